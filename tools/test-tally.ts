import { relative, sep } from 'node:path';
import type { ResultLine } from './test-reporter.ts';

/** How much of what a failing process wrote is shown. */
const outputLines = 80;

/** Sums up results and writes them as a person wants to read them. */
export class Tally {
  readonly #root: string;
  readonly #requireAll: boolean;
  readonly #write: (text: string) => void;
  readonly #failures: string[] = [];
  readonly #skips: string[] = [];
  readonly #startedMs: number = performance.now();
  #passed = 0;

  constructor(root: string, requireAll: boolean, write: (text: string) => void) {
    this.#root = root;
    this.#requireAll = requireAll;
    this.#write = write;
  }

  get failed(): number {
    return this.#failures.length;
  }

  /** Opens the part of a suite. */
  title(name: string, files?: number): void {
    this.#write(`\n${name}${files === undefined ? '' : ` (${files} ${files === 1 ? 'file' : 'files'})`}\n`);
  }

  /** A remark about the run itself. */
  note(text: string): void {
    this.#write(indent(text, '  ! '));
  }

  /** Shows and counts a check. */
  check(name: string, ok: boolean, output: string, durationMs: number): void {
    this.#write(`  ${ok ? '✔' : '✖'} ${name} (${duration(durationMs)})\n`);
    if (ok) {
      this.#passed += 1;
    } else {
      this.#failures.push(`check: ${name}`);
      this.#write(indent(output.trimEnd() || 'it failed without a word', '      '));
    }
  }

  /** Shows a file's results in a line, its failures in full, and then the end of what its process wrote. */
  show(path: string, results: readonly ResultLine[], output: string): void {
    const counted = results.filter(counts);
    const by = (outcome: ResultLine['outcome']): ResultLine[] => counted.filter((result) => result.outcome === outcome);
    const failed = by('failed');
    const parts = [
      `${by('passed').length} passed`,
      ...(failed.length > 0 ? [`${failed.length} failed`] : []),
      ...(by('skipped').length > 0 ? [`${by('skipped').length} skipped`] : []),
    ];
    const outermost = results.filter(({ nesting }) => nesting === 0);
    const totalMs = outermost.reduce((sum, { durationMs }) => sum + durationMs, 0);
    this.#write(`  ${failed.length > 0 ? '✖' : '✔'} ${this.#name(path)}: ${parts.join(', ')} (${duration(totalMs)})\n`);
    for (const { name, reason } of failed) this.#write(`      ✖ ${name}\n${indent(reason, '          ')}`);
    if (failed.length > 0 && output.trim() !== '') this.#showOutput(output);
  }

  /** Adds results to the sums. */
  count(results: readonly ResultLine[]): void {
    for (const result of results.filter(counts)) {
      const what = `${this.#name(result.file ?? '?')}: ${result.name}`;
      if (result.outcome === 'passed') this.#passed += 1;
      else if (result.outcome === 'failed') this.#failures.push(what);
      else this.#skips.push(`${what}: ${result.reason}`);
    }
  }

  /** Shows and counts a failure that is no test's: a file that hangs, crashes or leaves something behind. */
  trouble(path: string, reason: string, output: string): void {
    this.#failures.push(`${this.#name(path)}: ${reason.split('\n')[0] ?? ''}`);
    this.#write(`  ✖ ${this.#name(path)}\n${indent(reason, '      ')}`);
    if (output.trim() !== '') this.#showOutput(output);
  }

  /** Writes the lists and the sums; true when something passed and nothing failed. */
  close(): boolean {
    if (this.#skips.length > 0) {
      this.#write(`\nSkipped${this.#requireAll ? ', which fails because AUTOPILOT_REQUIRE_ALL=1' : ''}:\n`);
      for (const skip of this.#skips) this.#write(`  - ${skip}\n`);
    }
    if (this.#failures.length > 0) {
      this.#write('\nFailed:\n');
      for (const failure of this.#failures) this.#write(`  ✖ ${failure}\n`);
    }
    const failed = this.#failures.length + (this.#requireAll ? this.#skips.length : 0);
    const skipped = this.#requireAll ? 0 : this.#skips.length;
    this.#write(`\n${duration(performance.now() - this.#startedMs)}\n`);
    this.#write(`${this.#passed} passed, ${failed} failed, ${skipped} skipped\n`);
    return failed === 0 && this.#passed > 0;
  }

  #showOutput(output: string): void {
    const lines = output.trimEnd().split('\n');
    const shown = lines.slice(-outputLines);
    const cut = lines.length > shown.length ? `, its last ${shown.length} of ${lines.length} lines` : '';
    this.#write(`      what the process wrote${cut}:\n${indent(shown.join('\n'), '        | ')}`);
  }

  #name(path: string): string {
    const inside = relative(this.#root, path);
    return inside.startsWith('..') || !path.startsWith(this.#root) ? path : inside.split(sep).join('/');
  }
}

/** A suite counts only where no test speaks for it: when it is skipped as a whole or its hooks fail. */
function counts(result: ResultLine): boolean {
  if (result.onlyInside) return false;
  return !result.isSuite || result.outcome !== 'passed';
}

function indent(text: string, by: string): string {
  return `${text.replaceAll(/^/gm, by)}\n`;
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
