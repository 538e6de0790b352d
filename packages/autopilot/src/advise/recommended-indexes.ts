import type { AdvisedIndex, IndexAdvice } from '../contract/index-advice.ts';
import { sizeText } from './finding.ts';
import {
  AFFECTED,
  controlsAmong,
  idOf,
  leave,
  matched,
  percent,
  type StatementsSeen,
  WHAT_IF,
  type WorkedOut,
} from './worked-out.ts';

/** Estimates are not that exact, and each index has to be kept up: nobody is troubled for less. */
const MOST_LEFT = 0.95;

/**
 * Indexes as recommendations: those that serve the same statements belong together, as what one of them does can't be told from
 * what the others do. Existing ones that they make superfluous stay: they are recommended once nothing uses them.
 */
export function recommendedIndexes(database: string, advice: IndexAdvice, seen: StatementsSeen): readonly WorkedOut[] {
  // The autopilot does not tune itself.
  const groups = groupsOf(advice.create.filter(({ table }) => !table.startsWith('"autopilot".')));
  const worked = groups.map((group) => workedOut(database, group, advice, seen));
  const worth = worked.filter(({ effect }) => effect === null || effect <= MOST_LEFT);
  if (worth.length > 0) return worth;
  const [small] = worked;
  if (small !== undefined) {
    return [
      leave(database, {
        category: 'indexes',
        subject: 'Indexes',
        reason: `What is left to gain is not worth an index: with the best ones statements would be planned at ${percent(small.effect ?? 1)} of the cost.`,
        evidence: worked.flatMap(({ recommendation }) => recommendation.change),
        means: WHAT_IF,
      }),
    ];
  }
  return [leave(database, { category: 'indexes', subject: 'Indexes', reason: advice.reason, means: WHAT_IF })];
}

function workedOut(
  database: string,
  group: readonly AdvisedIndex[],
  advice: IndexAdvice,
  seen: StatementsSeen,
): WorkedOut {
  const effects = new Map(group.flatMap((one) => one.statements).map((effect) => [effect.sql, effect]));
  const { rows: found, ids: affected } = matched([...effects.values()], seen);
  const rows = found.toSorted((a, b) => b.weight * (1 - b.kept) - a.weight * (1 - a.kept));
  const weight = rows.reduce((sum, one) => sum + one.weight, 0);
  const effect = weight === 0 ? null : rows.reduce((sum, one) => sum + one.weight * one.kept, 0) / weight;
  const create = group.flatMap(({ ddl, table }) => definitionOf(ddl, table));
  const bytes = group.reduce((sum, one) => sum + one.bytes, 0);
  const isOnline = create.length === group.length && group.every(({ ddl }) => ddl.includes(' CONCURRENTLY '));
  const touched = new Set(Object.keys(affected));
  const tables = [...new Set(group.map(({ table }) => table.replaceAll('"', '')))];
  const parts = group.map(({ ddl }) => partOf(ddl));
  const known = rows.some(({ row }) => row.msPerHour !== null);
  return {
    recommendation: {
      id: idOf([database, ...parts]),
      category: 'indexes',
      database,
      verdict: 'change',
      subject: `${group.length === 1 ? 'An index' : `${group.length} indexes`} on ${tables.slice(0, 3).join(', ')}${tables.length > 3 ? ` and ${tables.length - 3} more` : ''}`,
      change: group.map(({ ddl }) => `${ddl};`),
      undo: create.map(({ schema, name }) => `DROP INDEX CONCURRENTLY "${schema}"."${name}";`),
      reason: `${rows.length} statement${rows.length === 1 ? ' is' : 's are'} planned at ${percent(effect ?? 1)} of the cost with ${group.length === 1 ? 'it' : 'them'}.`,
      evidence: [
        `The copy planned ${advice.fidelity.same} of ${advice.fidelity.compared} statements as the server does.`,
        `About ${sizeText(bytes)} of disk; building takes about ${Math.max(1, Math.round(group.reduce((sum, one) => sum + one.buildSeconds, 0)))} s beside the traffic.`,
        `Writes pay ${percent(group.reduce((sum, one) => sum + one.writeRatio, 0))} of the workload's cost for it.`,
      ],
      statements: rows.map(({ row }) => row),
      bytes,
      risk: 'low',
      effort: 'none: it is built beside reads and writes',
      automatic: isOnline && touched.size > 0,
      obstacle: !isOnline
        ? 'A partitioned table takes no index beside its traffic in one statement.'
        : touched.size > 0
          ? null
          : 'The server does not count these statements (pg_stat_statements), so nobody could measure what it does.',
      means: WHAT_IF,
    },
    parts,
    effect,
    msPerHour: known ? rows.reduce((sum, { row }) => sum + (row.msPerHour ?? 0), 0) : null,
    affected: Object.fromEntries(Object.entries(affected).slice(0, AFFECTED)),
    controls: controlsAmong(seen.statements, touched),
    aim: 'gain',
    change: { kind: 'indexes', create, drop: [] },
    tables: [...new Set(group.map(({ table }) => table))],
  };
}

/** Those that share a statement, directly or by others. */
function groupsOf(indexes: readonly AdvisedIndex[]): readonly (readonly AdvisedIndex[])[] {
  const groups: AdvisedIndex[][] = [];
  for (const index of indexes) {
    const own = new Set(index.statements.map(({ sql }) => sql));
    const joined = groups.filter((group) => group.some((one) => one.statements.some(({ sql }) => own.has(sql))));
    for (const group of joined) groups.splice(groups.indexOf(group), 1);
    groups.push([...joined.flat(), index]);
  }
  return groups;
}

/** What an index is, whatever it is called. */
function partOf(ddl: string): string {
  return ddl.replace(/^CREATE INDEX (?:CONCURRENTLY )?"(?:[^"]|"")+" /, '');
}

function definitionOf(
  ddl: string,
  table: string,
): readonly { readonly schema: string; readonly name: string; readonly ddl: string }[] {
  const name = /^CREATE INDEX CONCURRENTLY "((?:[^"]|"")+)"/.exec(ddl)?.[1]?.replaceAll('""', '"');
  const schema = /^"((?:[^"]|"")+)"\./.exec(table)?.[1]?.replaceAll('""', '"');
  return name === undefined || schema === undefined ? [] : [{ schema, name, ddl }];
}
