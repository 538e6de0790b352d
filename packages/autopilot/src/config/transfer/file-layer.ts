import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SettingValues } from '../../contract/configuration.ts';
import { messageOf } from '../../kernel/errors.ts';
import { hashOf } from '../content.ts';
import { flatPatch } from '../merge-patch.ts';
import { registry } from '../registry.ts';
import { troubleWith } from '../setting.ts';
import { parseUntrusted } from './parse-document.ts';

const NAMES = ['autopilot.config.yaml', 'autopilot.config.yml', 'autopilot.config.json'];
const LOOK_MS = 1_000;

/**
 * What `settings:` of the control plane's file sets, looked at once a second. While the file can't be read or holds a
 * value that can't be used, what it said before counts on. A file that is gone sets nothing.
 */
export class FileLayer {
  readonly #folder: string | null;
  readonly #onChange: () => void;
  readonly #onTrouble: (message: string) => void;
  #values: SettingValues = {};
  #trouble: string | null = null;
  #seen = '';
  #timer: NodeJS.Timeout | null = null;

  /** `folder` null: there is no file. */
  constructor(folder: string | null, onChange: () => void, onTrouble: (message: string) => void) {
    this.#folder = folder;
    this.#onChange = onChange;
    this.#onTrouble = onTrouble;
  }

  get values(): SettingValues {
    return this.#values;
  }

  /** What is wrong with the file; null: nothing, or there is none. */
  get trouble(): string | null {
    return this.#trouble;
  }

  async start(): Promise<void> {
    if (this.#folder === null) return;
    await this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Reads the file if it has changed. Never rejects. */
  async look(): Promise<void> {
    try {
      const path = await this.#find();
      if (path === null) {
        this.#seen = '';
        this.#take({});
        return;
      }
      const { mtimeMs, size, ino } = await stat(path);
      const seen = `${path} ${mtimeMs} ${size} ${ino}`;
      if (seen === this.#seen) return;
      this.#seen = seen;
      this.#take(settingsIn(await readFile(path, 'utf8'), path.endsWith('.json') ? 'json' : 'yaml'));
    } catch (error) {
      const trouble = `The file of the control plane sets nothing new: ${messageOf(error)}`;
      if (trouble !== this.#trouble) this.#onTrouble(trouble);
      this.#trouble = trouble;
    }
  }

  async #find(): Promise<string | null> {
    if (this.#folder === null) return null;
    for (const name of NAMES) {
      const path = join(this.#folder, name);
      const found = await stat(path).then(
        (status) => status.isFile(),
        () => false,
      );
      if (found) return path;
    }
    return null;
  }

  #take(values: SettingValues): void {
    this.#trouble = null;
    if (hashOf(values) === hashOf(this.#values)) return;
    this.#values = values;
    this.#onChange();
  }
}

/** The other parts of the file are read by whom they concern. */
function settingsIn(text: string, format: 'json' | 'yaml'): SettingValues {
  const document = parseUntrusted(text, format);
  if (typeof document !== 'object' || document === null || !('settings' in document)) return {};
  const { settings } = document;
  const { set } = flatPatch(settings ?? {}, []);
  const trouble = Object.entries(set).flatMap(([key, value]) => {
    const declaration = registry.get(key);
    const wrong = declaration === undefined ? 'is no setting of this release' : troubleWith(declaration, value);
    return wrong === null ? [] : [`${key} ${wrong}`];
  });
  if (trouble.length > 0) throw new TypeError(`${trouble.join('; ')}.`);
  return set;
}
