/** What a key press asks for. */
export type Shortcut =
  | 'filter'
  | 'help'
  | 'overview'
  | 'routes'
  | 'queries'
  | 'instances'
  | 'tenants'
  | 'resources'
  | 'configuration'
  | 'access'
  | 'load'
  | 'scheme'
  | RangeShortcut;

type RangeShortcut = 'range' | 'live' | 'zoomIn' | 'zoomOut' | 'earlier' | 'later' | 'compare';

export interface ShortcutDefinition {
  readonly keys: readonly string[];
  readonly shortcut: Shortcut;
  readonly description: string;
}

export const shortcuts: readonly ShortcutDefinition[] = [
  { keys: ['/'], shortcut: 'filter', description: 'Filter what the page lists' },
  { keys: ['g', 'o'], shortcut: 'overview', description: 'Go to the overview' },
  { keys: ['g', 'r'], shortcut: 'routes', description: 'Go to the routes' },
  { keys: ['g', 'q'], shortcut: 'queries', description: 'Go to the slowest queries' },
  { keys: ['g', 'i'], shortcut: 'instances', description: 'Go to the instances' },
  { keys: ['g', 't'], shortcut: 'tenants', description: 'Go to the tenants' },
  { keys: ['g', 'p'], shortcut: 'resources', description: 'Go to the resources of the processes' },
  { keys: ['g', 'c'], shortcut: 'configuration', description: 'Go to the configuration' },
  { keys: ['g', 'a'], shortcut: 'access', description: 'Go to tokens and the audit log' },
  { keys: ['g', 'l'], shortcut: 'load', description: 'Go to the load tests' },
  { keys: ['t'], shortcut: 'range', description: 'Choose the time range' },
  { keys: ['l'], shortcut: 'live', description: 'Go back to live' },
  { keys: ['+'], shortcut: 'zoomIn', description: 'Zoom in on the middle' },
  { keys: ['-'], shortcut: 'zoomOut', description: 'Zoom out' },
  { keys: ['['], shortcut: 'earlier', description: 'Earlier by half' },
  { keys: [']'], shortcut: 'later', description: 'Later by half' },
  { keys: ['c'], shortcut: 'compare', description: 'Compare with the next of: period before, yesterday, last week' },
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
