import type { DatabaseFinding, DatabaseIndex } from '../contract/database.ts';
import { countText, durationText, percentText, quoted, sizeText } from './finding.ts';

/** What findings on indexes need to know beside the indexes. */
export interface IndexSurroundings {
  /** For how long scans have been counted; null: not known. */
  readonly observedMs: number | null;
  /** Rows written into each table in that time, by "schema.table". */
  readonly writes: ReadonlyMap<string, number>;
  /** Servers whose scans are in the counts; a standby has counts of its own. */
  readonly servers: number;
  /** The server is known to have standbys that count for themselves and are not among `servers`. */
  readonly unseenStandbys: number;
}

/** Azure SQL drops an index unused for 90 days; naming it after two weeks covers the ends of a fortnight. */
const UNUSED_MS = 14 * 86_400_000;
const MIN_INDEX_BYTES = 1_000_000;
const MIN_BLOAT_BYTES = 10_000_000;
const BLOAT_RATIO = 0.4;

/** What is wrong with indexes, by "schema.index"; those with nothing are left out. */
export function indexFindings(
  indexes: readonly DatabaseIndex[],
  surroundings: IndexSurroundings,
): ReadonlyMap<string, readonly DatabaseFinding[]> {
  const found = new Map<string, DatabaseFinding[]>();
  const add = (index: DatabaseIndex, finding: Omit<DatabaseFinding, 'subject'> | null): void => {
    if (finding === null) return;
    const subject = nameOf(index);
    found.set(subject, [...(found.get(subject) ?? []), { ...finding, subject }]);
  };
  const byTable = Map.groupBy(indexes, ({ schema, table }) => `${schema}.${table}`);
  for (const siblings of byTable.values()) {
    for (const index of siblings) {
      add(index, invalid(index));
      const covering = duplicateOf(index, siblings);
      add(index, covering);
      if (covering === null) add(index, unused(index, surroundings));
      add(index, bloated(index));
    }
  }
  return found;
}

/** "schema.index" */
export function nameOf({ schema, index }: Pick<DatabaseIndex, 'schema' | 'index'>): string {
  return `${schema}.${index}`;
}

function dropSql({ schema, index }: DatabaseIndex): string {
  return `DROP INDEX CONCURRENTLY ${quoted(schema, index)};`;
}

function invalid(index: DatabaseIndex): Omit<DatabaseFinding, 'subject'> | null {
  if (index.isValid) return null;
  const leftover = /_ccnew\d*$/.test(index.index);
  return {
    kind: 'invalid-index',
    severity: 'warning',
    message: `A build of it was interrupted: no query uses it, and every write keeps it up (${sizeText(index.bytes)}).`,
    remedy: leftover
      ? 'Drop it: it is what a REINDEX CONCURRENTLY left behind.'
      : 'Drop it, and build it again if it is wanted.',
    sql: index.backsConstraint ? `REINDEX INDEX CONCURRENTLY ${quoted(index.schema, index.index)};` : dropSql(index),
    evidence: { bytes: index.bytes },
  };
}

/** Never primary, unique or one that a constraint needs, and only after it was watched for long enough. */
function unused(
  index: DatabaseIndex,
  { observedMs, writes, servers, unseenStandbys }: IndexSurroundings,
): Omit<DatabaseFinding, 'subject'> | null {
  if (index.scans > 0 || !index.isValid || index.isPrimary || index.isUnique || index.backsConstraint) return null;
  if (observedMs === null || observedMs < UNUSED_MS || index.bytes < MIN_INDEX_BYTES || unseenStandbys > 0) return null;
  const written = writes.get(`${index.schema}.${index.table}`) ?? 0;
  return {
    kind: 'unused-index',
    severity: 'warning',
    message: `Nothing has used it in ${durationText(observedMs)}${servers > 1 ? ` on ${servers} servers` : ''}; it takes ${sizeText(index.bytes)}, and ${countText(written)} written rows had to keep it up.`,
    remedy: 'Drop it, if no rare job (a yearly report, a standby that is not watched) needs it.',
    sql: dropSql(index),
    evidence: { bytes: index.bytes, observedMs, writes: written },
  };
}

/** Another index does all that this one does: the same keys, or keys that begin with its own. */
function duplicateOf(
  index: DatabaseIndex,
  siblings: readonly DatabaseIndex[],
): Omit<DatabaseFinding, 'subject'> | null {
  if (!index.isValid || index.isPrimary || index.backsConstraint) return null;
  const keys = keysOf(index);
  for (const other of siblings) {
    if (other === index || !other.isValid || other.method !== index.method || other.condition !== index.condition)
      continue;
    const otherKeys = keysOf(other);
    const same = keys.length === otherKeys.length && keys.every((key, at) => key === otherKeys[at]);
    const carried = [...other.columns, ...other.included];
    if (!index.included.every((column) => carried.includes(column))) continue;
    if (same) {
      // A unique index enforces something that one that is not unique does not.
      if (index.isUnique && !other.isUnique) continue;
      // Of two alike one stays: the one that is needed for more, else the one that is used, else the first by name.
      const otherMatters =
        other.isPrimary ||
        other.backsConstraint ||
        (other.isUnique && !index.isUnique) ||
        other.included.length > index.included.length;
      if (!otherMatters && staysRather(index, other)) continue;
      return duplicate('duplicate-index', index, other, `It has the same keys as ${other.index}`);
    }
    const isPrefix = keys.length < otherKeys.length && keys.every((key, at) => key === otherKeys[at]);
    if (!isPrefix || index.isUnique || index.method !== 'btree' || index.included.length > 0) continue;
    // What it saves in width it may be worth: a much smaller index is left alone when it is the one that is used.
    if (index.bytes * 3 < other.bytes && index.scans > 0) continue;
    return duplicate('prefix-index', index, other, `${other.index} begins with the same keys and can do what it does`);
  }
  return null;
}

function staysRather(index: DatabaseIndex, other: DatabaseIndex): boolean {
  return index.scans === other.scans ? index.index < other.index : index.scans > other.scans;
}

function duplicate(
  kind: string,
  index: DatabaseIndex,
  other: DatabaseIndex,
  why: string,
): Omit<DatabaseFinding, 'subject'> {
  return {
    kind,
    severity: 'warning',
    message: `${why}: ${sizeText(index.bytes)}, and the work of each write, for nothing.`,
    remedy: `Drop it; ${other.index} stays.`,
    sql: dropSql(index),
    evidence: { bytes: index.bytes, stays: nameOf(other), scans: index.scans },
  };
}

/** Keys with their order and operator class, as the definition has them. */
function keysOf({ definition }: DatabaseIndex): readonly string[] {
  const open = definition.indexOf('(', definition.indexOf(' USING '));
  const keys: string[] = [];
  let depth = 0;
  let start = open + 1;
  let isQuoted = false;
  for (let at = open; at < definition.length; at++) {
    const character = definition[at];
    if (character === '"' || character === "'") isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (character === '(') depth++;
    if ((character === ',' && depth === 1) || (character === ')' && depth === 1)) {
      keys.push(definition.slice(start, at).trim());
      start = at + 1;
    }
    if (character === ')' && --depth === 0) break;
  }
  return keys;
}

function bloated({ bloat, bytes, schema, index, isValid }: DatabaseIndex): Omit<DatabaseFinding, 'subject'> | null {
  if (!isValid || bloat === null || bloat.bytes < MIN_BLOAT_BYTES || bloat.ratio < BLOAT_RATIO) return null;
  return {
    kind: 'index-bloat',
    severity: 'warning',
    message: `About ${sizeText(bloat.bytes)} of its ${sizeText(bytes)} (${percentText(bloat.ratio)}) hold nothing.`,
    remedy: 'Rebuild it; that goes on beside reads and writes.',
    sql: `REINDEX INDEX CONCURRENTLY ${quoted(schema, index)};`,
    evidence: { bloatBytes: bloat.bytes, bloatRatio: bloat.ratio, method: bloat.method },
  };
}

/** Indexes that nothing has used and that are not called unused all the same: each "no" with its reason. */
export function unusedDeclined(
  indexes: readonly DatabaseIndex[],
): readonly { readonly index: string; readonly reason: string }[] {
  return indexes
    .filter(({ scans, findings }) => scans === 0 && findings.length === 0)
    .map((index) => ({ index: nameOf(index), reason: declinedFor(index) }));
}

function declinedFor({ isPrimary, isUnique, backsConstraint, bytes }: DatabaseIndex): string {
  if (isPrimary || backsConstraint) return 'A constraint needs it.';
  if (isUnique) return 'It keeps values unique.';
  if (bytes < MIN_INDEX_BYTES) return `It takes ${sizeText(bytes)}: too little to matter.`;
  return `Scans have not been counted for ${durationText(UNUSED_MS)} yet, or a standby counts for itself.`;
}
