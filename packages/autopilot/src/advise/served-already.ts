import { bracketedList, withoutBrackets } from '../planner/condition-text.ts';
import type { IndexCandidate } from '../planner/index-candidate.ts';
import { qualified } from '../planner/shadow-ddl.ts';
import type { TargetCatalog, TargetIndex } from '../planner/target-catalog.ts';

/** Finds for a candidate the index of the target that does all that it would do. */
export type ServedAlready = (candidate: IndexCandidate) => string | null;

/**
 * What a whole B-tree begins with, in the same order, is served by it; of other kinds only the same keys are. A candidate with included columns
 * or for some of the rows does something else, and what that is worth is the planner's to say. A new index would only seem better than
 * the one that is there for not being bloated yet.
 */
export function servedAlready({ indexes }: Pick<TargetCatalog, 'indexes'>): ServedAlready {
  const byTable = Map.groupBy(indexes, ({ tableOid }) => tableOid);
  return (candidate) => {
    if (candidate.where !== null || candidate.included.length > 0) return null;
    const wanted = candidate.keys.map(({ sql, suffix }) => plain(sql) + suffix);
    const index = byTable.get(candidate.table.oid)?.find((one) => serves(one, candidate.method, wanted));
    return index === undefined ? null : qualified(index);
  };
}

function serves({ method, definition }: TargetIndex, wantedMethod: string, wanted: readonly string[]): boolean {
  const keys = method === wantedMethod ? keysOf(definition) : null;
  if (keys === null) return false;
  if (method !== 'btree') return keys.length === wanted.length && beginsWith(keys, wanted);
  // Backwards it is read as well.
  return beginsWith(keys, wanted) || beginsWith(keys.map(turned), wanted);
}

function beginsWith(keys: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((key, at) => keys[at] === key);
}

/** Its keys with their direction and operator class; null: it holds only some of the rows. */
function keysOf(definition: string): readonly string[] | null {
  const { items, rest } = bracketedList(definition);
  if (/\sWHERE\s/.test(rest)) return null;
  return items.map((item) => {
    const direction = /(?: DESC)?(?: NULLS (?:FIRST|LAST))?$/.exec(item)?.[0] ?? '';
    return plain(item.slice(0, item.length - direction.length)) + direction;
  });
}

/** Without brackets around the whole, and without quotes where a name needs none. */
function plain(sql: string): string {
  return withoutBrackets(sql).replace(/^"([a-z_][a-z0-9_]*)"$/, '$1');
}

const opposites: readonly (readonly [string, string])[] = [
  [' DESC NULLS LAST', ' NULLS FIRST'],
  [' NULLS FIRST', ' DESC NULLS LAST'],
  [' DESC', ''],
];

function turned(key: string): string {
  const found = opposites.find(([end]) => key.endsWith(end));
  return found === undefined ? `${key} DESC` : key.slice(0, key.length - found[0].length) + found[1];
}
