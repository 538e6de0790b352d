import type { Family, SeriesKey } from '../../contract/series.ts';
import { seriesIdOf, storableName } from './series-id.ts';

/** A series with the number it is stored under; its names are as they can be stored. */
export interface NumberedSeries {
  readonly id: number;
  readonly key: SeriesKey;
  readonly isTotal: boolean;
}

/** What all series of one map have in common. */
interface Group {
  readonly service: string;
  readonly family: Family;
  readonly database: string | null;
  readonly route: string | null;
  readonly isTotal: boolean;
  readonly byKey: Map<string, NumberedSeries>;
}

const MOST_KEPT = 50_000;

/**
 * Numbers of the series that this process writes, so that each name is hashed once. Series of a family come in a row: the group of
 * the last one is kept at hand, and finding a number is one look-up by a string that exists already.
 */
export class SeriesNumbers {
  readonly #groups: Map<string, Group> = new Map();
  #last: Group | null = null;
  #lastTotal: Group | null = null;
  #size = 0;

  of(
    service: string,
    family: Family,
    key: string,
    database: string | null,
    route: string | null,
    isTotal: boolean,
  ): NumberedSeries {
    const last = isTotal ? this.#lastTotal : this.#last;
    const group =
      last !== null &&
      last.family === family &&
      last.route === route &&
      last.database === database &&
      last.service === service
        ? last
        : this.#groupOf(service, family, database, route, isTotal);
    const known = group.byKey.get(key);
    if (known !== undefined) return known;
    if (this.#size >= MOST_KEPT) {
      this.#groups.clear();
      this.#last = null;
      this.#lastTotal = null;
      this.#size = 0;
    }
    const storable: SeriesKey = {
      family,
      key: storableName(key),
      database: database === null ? null : storableName(database),
      route: route === null ? null : storableName(route),
    };
    const made = { id: seriesIdOf(service, storable, isTotal), key: storable, isTotal };
    group.byKey.set(key, made);
    this.#size++;
    return made;
  }

  #groupOf(service: string, family: Family, database: string | null, route: string | null, isTotal: boolean): Group {
    const name = JSON.stringify([service, family, database, route, isTotal]);
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { service, family, database, route, isTotal, byKey: new Map() };
      this.#groups.set(name, group);
    }
    if (isTotal) this.#lastTotal = group;
    else this.#last = group;
    return group;
  }
}
