import type { DatabaseTable } from '../contract/database.ts';
import type { AutovacuumAdvice } from '../contract/database-maintenance.ts';
import { autovacuumAdvice, type Churn } from './autovacuum-advice.ts';
import { quoted } from './finding.ts';
import { AFFECTED, controlsAmong, idOf, isWork, leave, type StatementsSeen, type WorkedOut } from './worked-out.ts';

const MEANS =
  'A rule with figures: how often autovacuum comes, from how many rows of a table die or are added a day, against one dead row in twenty.';

/** Storage parameters of tables as recommendations; `churnOf` says how a table changes, null: not known yet. */
export function recommendedTableOptions(
  database: string,
  tables: readonly DatabaseTable[],
  churnOf: (table: DatabaseTable) => Churn | null,
  seen: StatementsSeen,
): readonly WorkedOut[] {
  const known = tables.flatMap((table) => {
    const churn = churnOf(table);
    return churn === null || table.schema === 'autopilot' ? [] : [{ table, churn }];
  });
  const worked = known.flatMap(({ table, churn }) => {
    const advice = autovacuumAdvice(table, churn);
    return advice === null ? [] : [recommendedOption(database, table, advice, seen)];
  });
  if (worked.length > 0) return worked;
  const reason =
    known.length === 0
      ? 'How tables change is not known yet: they are read every few minutes (observe.tablesMs).'
      : `Autovacuum comes to each of ${known.length} tables as often as it should.`;
  return [leave(database, { category: 'tables', subject: 'Autovacuum of tables', reason, means: MEANS })];
}

function recommendedOption(
  database: string,
  table: DatabaseTable,
  { option, value, because, vacuumsPerDay, vacuumsPerDayNow, sql }: AutovacuumAdvice,
  seen: StatementsSeen,
): WorkedOut {
  const name = quoted(table.schema, table.table);
  const before = table.options.find((one) => one.startsWith(`${option}=`));
  const word = new RegExp(`(?<![\\w$])${table.table.replaceAll(/[^\w]/g, '\\$&')}(?![\\w$])`, 'i');
  const about = seen.statements
    .filter(({ text }) => isWork(text) && word.test(text))
    .toSorted((a, b) => b.totalMs - a.totalMs)
    .slice(0, AFFECTED);
  const isMeasurable = about.length > 0;
  return {
    recommendation: {
      id: idOf([database, 'table option', name, option, String(value)]),
      category: 'tables',
      database,
      verdict: 'change',
      subject: `${option} of ${table.schema}.${table.table} to ${value}`,
      change: [sql],
      undo: [`ALTER TABLE ${name} ${before === undefined ? `RESET (${option})` : `SET (${before})`};`],
      reason: because,
      evidence: [
        `It would be vacuumed ${rate(vacuumsPerDay)} instead of ${rate(vacuumsPerDayNow)}.`,
        'What it brings comes with the next vacuums; it is kept unless statements on the table become slower.',
      ],
      statements: [],
      bytes: null,
      risk: 'low',
      effort: 'none: reads and writes go on',
      automatic: isMeasurable,
      obstacle: isMeasurable
        ? null
        : 'The server counts no statement on this table, so nobody could measure whether it harms.',
      means: MEANS,
    },
    parts: [`${name} ${option} = ${value}`],
    effect: 1,
    msPerHour: null,
    affected: Object.fromEntries(about.map(({ queryId, text }) => [queryId, text])),
    controls: controlsAmong(seen.statements, new Set(about.map(({ queryId }) => queryId))),
    aim: 'no harm',
    change: {
      kind: 'table-options',
      place: { kind: 'table', schema: table.schema, table: table.table },
      values: [{ name: option, value: String(value) }],
    },
    tables: [name],
  };
}

/** "12 times a day", "every 5 days" */
function rate(perDay: number): string {
  return perDay >= 1
    ? `${Number(perDay.toPrecision(2))} times a day`
    : `every ${Number((1 / perDay).toPrecision(2))} days`;
}
