import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SettingValues } from '../contract/configuration.ts';

/** A version as an instance runs it: with all that lies under its environment and over it. */
export interface ConfigOrder {
  readonly version: number;
  /** Names everything in `layers`: what has the same revision is the same. */
  readonly revision: string;
  readonly layers: ConfigOrderLayers;
}

/** A version as it lies on a disk. */
export interface KeptOrder extends ConfigOrder {
  /** What single instances have of their own, kept by a control plane for all of them. */
  readonly instances?: Readonly<Record<string, SettingValues>>;
}

/** The layers that come from the control plane; the environment is the instance's own. */
export interface ConfigOrderLayers {
  readonly preset: SettingValues;
  readonly file: SettingValues;
  readonly fleet: SettingValues;
  readonly instance: SettingValues;
}

/** More than any configuration has; what is larger is no file of ours. */
const MAX_BYTES = 1_000_000;

/** Where last good versions lie: AUTOPILOT_STATE_DIR, else in the state directory of the account (XDG Base Directory Specification). */
export function stateDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const state = environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return environment['AUTOPILOT_STATE_DIR'] || join(state, 'teamflow-autopilot');
}

/**
 * The last configuration that worked, on the local disk: an instance starts with it while nobody can be asked. A file is
 * replaced as a whole, so that a kill leaves the one or the other. Where it can't be written, the autopilot goes on
 * without.
 */
export class LastGood {
  readonly #folder: string;
  readonly #path: string;
  readonly #onTrouble: (error: unknown) => void;
  /** Writes follow each other; the newest wins. */
  #writing: Promise<void> = Promise.resolve();
  #waiting: KeptOrder | null = null;
  #idle = true;

  /** @param name of the service or half it belongs to; may hold any characters */
  constructor(folder: string, name: string, onTrouble: (error: unknown) => void) {
    this.#folder = folder;
    this.#path = join(folder, `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.json`);
    this.#onTrouble = onTrouble;
  }

  /** null: there is none, or it can't be read. */
  read(): KeptOrder | null {
    try {
      const text = readFileSync(this.#path, 'utf8');
      if (text.length > MAX_BYTES) return null;
      const found: unknown = JSON.parse(text);
      return isOrder(found) ? found : null;
    } catch {
      // Absent, as a rule; or written by something else. Either way there is nothing to start with.
      return null;
    }
  }

  /** Keeps `order` soon; one that sets nothing needs no file. */
  keep(order: KeptOrder): void {
    this.#waiting = order;
    if (!this.#idle) return;
    this.#idle = false;
    this.#writing = this.#write().catch(this.#onTrouble);
  }

  /** Resolves when what was given to keep() is on the disk, or could not be. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      for (let order = this.#waiting; order !== null; order = this.#waiting) {
        this.#waiting = null;
        if (order.version === 0 && isEmpty(order)) {
          await rm(this.#path, { force: true });
        } else await this.#replace(JSON.stringify(order));
      }
    } finally {
      this.#idle = true;
    }
  }

  async #replace(text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const temporary = `${this.#path}.${randomUUID()}`;
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}

/** The order without what one instance has of its own: for a process that another one, under another name, follows. */
export function withoutOverride(order: ConfigOrder): ConfigOrder {
  if (Object.keys(order.layers.instance).length === 0) return order;
  return { version: order.version, revision: '', layers: { ...order.layers, instance: {} } };
}

function isEmpty({ layers: { preset, file, fleet, instance }, instances = {} }: KeptOrder): boolean {
  return [preset, file, fleet, instance, instances].every((values) => Object.keys(values).length === 0);
}

/** Whether something that was read or received is an order; each value is judged when it is put in force. */
function isOrder(value: unknown): value is KeptOrder {
  if (typeof value !== 'object' || value === null) return false;
  const { version, revision, layers, instances = {} } = value as Partial<KeptOrder>; // each part is looked at here
  return (
    Number.isSafeInteger(version) &&
    typeof revision === 'string' &&
    typeof layers === 'object' &&
    layers !== null &&
    isObjects(instances) &&
    (['preset', 'file', 'fleet', 'instance'] as const).every(
      (layer) => typeof layers[layer] === 'object' && layers[layer] !== null,
    )
  );
}

function isObjects(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((one) => typeof one === 'object' && one !== null);
}
