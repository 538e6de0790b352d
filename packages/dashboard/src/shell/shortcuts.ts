/** What a key press asks for. */
export type Shortcut = 'filter' | 'help' | 'overview' | 'routes' | 'queries' | 'scheme';

export interface ShortcutDefinition {
  readonly keys: readonly string[];
  readonly shortcut: Shortcut;
  readonly description: string;
}

export const shortcuts: readonly ShortcutDefinition[] = [
  { keys: ['/'], shortcut: 'filter', description: 'Filter the routes' },
  { keys: ['g', 'o'], shortcut: 'overview', description: 'Go to the overview' },
  { keys: ['g', 'r'], shortcut: 'routes', description: 'Go to the routes' },
  { keys: ['g', 'q'], shortcut: 'queries', description: 'Go to the slowest queries' },
  { keys: ['d'], shortcut: 'scheme', description: 'Dark or light' },
  { keys: ['?'], shortcut: 'help', description: 'Show this list' },
];

/** How long the first key of two waits for the second. */
const PAIR_MS = 1200;

/** Recognises shortcuts in a row of keys. */
export class ShortcutReader {
  #first: { readonly key: string; readonly at: number } | null = null;

  /** The shortcut that `key` completes; null when it completes none. `at` in ms. */
  read(key: string, at: number): Shortcut | null {
    const first = this.#first !== null && at - this.#first.at <= PAIR_MS ? this.#first.key : null;
    this.#first = null;
    if (first !== null) {
      const pair = shortcuts.find(({ keys }) => keys.length === 2 && keys[0] === first && keys[1] === key);
      if (pair !== undefined) return pair.shortcut;
    }
    const single = shortcuts.find(({ keys }) => keys.length === 1 && keys[0] === key);
    if (single !== undefined) return single.shortcut;
    if (shortcuts.some(({ keys }) => keys.length === 2 && keys[0] === key)) this.#first = { key, at };
    return null;
  }
}
