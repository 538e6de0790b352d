import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A sign-in that was made up here and has to be told to somebody. */
export interface SignIn {
  readonly email: string;
  readonly password: string;
}

/**
 * Keeps made-up sign-ins in files that only this account may read, as Jenkins does with its first administrator's, so
 * that a password that scrolled away is not lost.
 */
export class SignInFiles {
  readonly #directory: string;
  readonly #installation: string;

  /** `installation` tells the databases apart that are used from one directory, one after the other. */
  constructor(directory: string, installation: string) {
    this.#directory = directory;
    this.#installation = installation;
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  /** Answers false where the directory can not be written: then the sign-in is only printed. */
  async keep(name: string, signIn: SignIn): Promise<boolean> {
    const path = this.path(name);
    const temporary = `${path}.${process.pid}`;
    try {
      await mkdir(this.#directory, { recursive: true });
      const lines = [
        `email: ${signIn.email}`,
        `password: ${signIn.password}`,
        `installation: ${this.#installation}`,
        '',
      ];
      await writeFile(temporary, lines.join('\n'), { mode: 0o600 });
      await rename(temporary, path);
      return true;
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
      return false;
    }
  }

  /** The sign-in in a file; undefined: there is none, or none of this address and installation. */
  async read(name: string, email: string): Promise<SignIn | undefined> {
    const text = await readFile(this.path(name), 'utf8').catch(() => '');
    const kept = /^email: (?<email>.+)\npassword: (?<password>.+)\ninstallation: (?<installation>.+)\n$/.exec(
      text,
    )?.groups;
    const ours = kept?.['email'] === email && kept['installation'] === this.#installation;
    return ours ? { email, password: kept?.['password'] ?? '' } : undefined;
  }

  async forget(name: string): Promise<void> {
    await rm(this.path(name), { force: true }).catch(() => {});
  }
}
