import { type ChildProcess, fork, type Serializable } from 'node:child_process';

/** What an {@link OwnedProcess} is made with. */
export interface OwnedProcessOptions<Word> {
  /** The module that runs, as "./load-process" beside `base`, an import.meta.url. */
  readonly program: string;
  readonly base: string;
  readonly onWord: (word: Word) => void;
  /** Called when it failed or ended, also after its last word. */
  readonly onGone: (how: string) => void;
}

/**
 * Work in a process of its own: whatever it takes of processor and memory, this one goes on answering. It is given nothing of
 * this process's secrets, and it has to end when the channel does, so that it ends with this process, however that ends.
 */
export class OwnedProcess<Order extends Serializable, Word> {
  readonly #child: ChildProcess;
  #killing: NodeJS.Timeout | undefined;

  constructor({ program, base, onWord, onGone }: OwnedProcessOptions<Word>) {
    const isSource = base.endsWith('.ts');
    this.#child = fork(new URL(`${program}${isSource ? '.ts' : '.js'}`, base), {
      execArgv: isSource ? ['-C', 'source'] : [],
      env: { PATH: process.env['PATH'] },
      serialization: 'advanced',
    });
    // `as`: both ends are ours.
    this.#child.on('message', (word) => onWord(word as Word));
    this.#child.on('error', (error) => onGone(`failed: ${error.message}`));
    this.#child.on('exit', (code, signal) => {
      clearTimeout(this.#killing);
      onGone(`ended early (${signal ?? `code ${code}`})`);
    });
  }

  /** A process that is gone hears nothing, and its end is told. */
  tell(order: Order): void {
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }

  /** Ends it at once; with `afterMs` if it has not ended by then. */
  kill(afterMs = 0): void {
    if (afterMs === 0) this.#child.kill('SIGKILL');
    else this.#killing ??= setTimeout(() => this.kill(), afterMs);
  }

  /** Resolves when it is gone. */
  async gone(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
  }
}
