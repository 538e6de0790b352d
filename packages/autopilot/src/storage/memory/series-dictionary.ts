import type { Family, SeriesKey } from '../../contract/series.ts';
import { families } from '../cell-accumulator.ts';

/** A series as memory knows it: a number instead of its names. */
export interface SeriesEntry extends SeriesKey {
  readonly id: number;
  /** Position of the family in `families`. */
  readonly familyIndex: number;
  /** Whether it is all keys of its family and database together. */
  readonly isTotal: boolean;
  /** Windows that hold it; it is forgotten with the last. */
  uses: number;
}

const ENTRY_OVERHEAD_BYTES = 250;
const SEPARATOR = '\u0000';

/** Gives every series a number, counted by use, so that windows hold numbers and names are kept once. */
export class SeriesDictionary {
  readonly #byName: Map<string, SeriesEntry> = new Map();
  readonly #byId: Map<number, SeriesEntry> = new Map();
  /** Entries of a family and key: one for each database, or route of a pair. */
  readonly #byKey: Map<string, Set<SeriesEntry>> = new Map();
  readonly #totals: ReadonlyMap<Family, Set<SeriesEntry>> = new Map(families.map((family) => [family, new Set()]));
  #nextId = 1;
  #bytes = 0;

  /** Estimated memory of the names. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The entry of a series, new with no use when it was not known. */
  intern(key: SeriesKey, isTotal: boolean): SeriesEntry {
    const name = nameOf(key, isTotal);
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const entry: SeriesEntry = {
      family: key.family,
      key: key.key,
      database: key.database,
      route: key.route,
      id: this.#nextId++,
      familyIndex: families.indexOf(key.family),
      isTotal,
      uses: 0,
    };
    this.#byName.set(name, entry);
    this.#byId.set(entry.id, entry);
    if (isTotal) this.#totals.get(key.family)?.add(entry);
    else {
      const byKey = key.family + SEPARATOR + key.key;
      const entries = this.#byKey.get(byKey);
      if (entries === undefined) this.#byKey.set(byKey, new Set([entry]));
      else entries.add(entry);
    }
    this.#bytes += ENTRY_OVERHEAD_BYTES + name.length * 2;
    return entry;
  }

  entry(id: number): SeriesEntry | undefined {
    return this.#byId.get(id);
  }

  totalsOf(family: Family): Iterable<SeriesEntry> {
    return this.#totals.get(family) ?? [];
  }

  withKey(family: Family, key: string): Iterable<SeriesEntry> {
    return this.#byKey.get(family + SEPARATOR + key) ?? [];
  }

  /** One use fewer; with the last one the series is forgotten. */
  release(id: number): void {
    const entry = this.#byId.get(id);
    if (entry === undefined || --entry.uses > 0) return;
    const name = nameOf(entry, entry.isTotal);
    this.#byId.delete(id);
    this.#byName.delete(name);
    this.#totals.get(entry.family)?.delete(entry);
    const byKey = entry.family + SEPARATOR + entry.key;
    const entries = this.#byKey.get(byKey);
    entries?.delete(entry);
    if (entries?.size === 0) this.#byKey.delete(byKey);
    this.#bytes -= ENTRY_OVERHEAD_BYTES + name.length * 2;
  }
}

function nameOf(key: SeriesKey, isTotal: boolean): string {
  return [isTotal ? 'total' : 'series', key.family, key.database ?? '', key.route ?? '', key.key].join(SEPARATOR);
}
