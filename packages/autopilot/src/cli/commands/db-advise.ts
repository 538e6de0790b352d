import { readFile } from 'node:fs/promises';
import { adviseIndexes, isUnreachable } from '../../advise/index-advisor.ts';
import type { IndexAdvice, PlanningEngineKind } from '../../contract/index-advice.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import { exitCodes, type Flag, type Terminal, UsageError } from '../command.ts';

/** The flags that only `autopilot db advise` has. */
export const adviseFlags: Readonly<Record<string, Flag>> = {
  workload: {
    value: 'file.sql',
    description: 'advise: the statements to advise for, or a log of the server; default: what pg_stat_statements knows',
  },
  budget: { value: '2GB', description: 'advise: what new indexes may take together; default: no limit' },
  'per-table': { value: 'number', description: 'advise: new indexes a table may get; default 5' },
  seconds: { value: 'number', description: 'advise: the time for the search; default 30' },
  engine: {
    value: 'name',
    description: 'advise: what plans: shadow, a copy without rows (default), or hypopg, that extension on the database',
  },
  'without-samples': { value: null, description: 'advise: copy no value of a row: those in statistics are replaced' },
};

/** `autopilot db advise`: which indexes a workload wants, planned on a shadow of the database. */
export async function adviseDatabase(
  values: Readonly<Record<string, string | undefined>> & { readonly url: string },
  { out, error: tell }: Terminal,
): Promise<number> {
  const { url, workload: file, json } = values;
  const mostPerTable = positive('per-table', values['per-table']);
  const seconds = positive('seconds', values['seconds']);
  const { budget } = values;
  const engine = engineOf(values['engine']);
  let advice: IndexAdvice;
  try {
    advice = await adviseIndexes({
      url,
      ...(file === undefined ? {} : { workload: await textOf(file) }),
      ...(budget === undefined ? {} : { budgetBytes: bytesOf(budget) }),
      ...(mostPerTable === undefined ? {} : { mostPerTable }),
      ...(seconds === undefined ? {} : { searchMs: 1_000 * seconds }),
      ...(engine === undefined ? {} : { engine }),
      ...(values['without-samples'] === 'true' ? { withoutSamples: true } : {}),
    });
  } catch (error) {
    if (isUnreachable(error)) {
      tell(`autopilot: ${messageOf(error)}`);
      return exitCodes.unreachable;
    }
    if (error instanceof AutopilotError && error.code === 'AP_PLANNER_ENGINE')
      throw new UsageError(error.message, error.remedy ?? 'See --help.');
    throw error;
  }
  if (json === 'true') out(JSON.stringify(advice, null, 2));
  else for (const line of linesOf(advice)) out(line);
  return exitCodes.ok;
}

/** 2GB, 500MB, 1024. */
function bytesOf(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim()) ?? [];
  if (number === undefined) throw new UsageError(`${JSON.stringify(text)} is no size.`, 'Write it like 500MB or 2GB.');
  return Number(number) * 1_024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase());
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new UsageError(`--${name} takes a number above 0, not ${JSON.stringify(text)}.`, 'See --help.');
}

function engineOf(text: string | undefined): PlanningEngineKind | undefined {
  if (text === undefined || text === 'shadow' || text === 'hypopg') return text;
  throw new UsageError(`--engine takes shadow or hypopg, not ${JSON.stringify(text)}.`, 'See --help.');
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} can't be read: ${messageOf(error)}.`, 'Give a file of SQL statements.');
  }
}

/** Of an index on many partitions. */
const mostSteps = 20;

function linesOf(advice: IndexAdvice): readonly string[] {
  const { fidelity, create, drop, secondOpinion: opinion } = advice;
  const [low = 0, high = 0] = advice.savedRatioInterval;
  return [
    advice.reason,
    `${advice.coverage.statements} statements${coverageText(advice)}; ${
      advice.engine === 'hypopg'
        ? 'planned by the database itself with HypoPG.'
        : `the shadow planned ${fidelity.same} of ${fidelity.compared} as the server does, costs off by ${percent(fidelity.medianCostError)} in the median and ${percent(fidelity.maxCostError)} at most.`
    }`,
    ...(create.length === 0
      ? []
      : [`Saves ${percent(advice.savedRatio)} (${percent(low)} to ${percent(high)}) of the estimated cost.`]),
    ...(opinion === null
      ? []
      : [
          `HypoPG on the database agrees on the indexes of ${opinion.same} of ${opinion.statements} statements: it saves ${percent(opinion.savedRatio)} of them, the shadow ${percent(opinion.shadowSavedRatio)}.`,
        ]),
    ...create.flatMap(({ steps, bytes, buildSeconds, writeRatio, statements }) => [
      '',
      ...steps.slice(0, mostSteps).map((sql) => `${sql};`),
      ...(steps.length > mostSteps ? [`-- and ${steps.length - mostSteps} more steps, which --json lists`] : []),
      `  ${megabytes(bytes)}, built in about ${Math.max(1, Math.round(buildSeconds))} s, costs writes ${percent(writeRatio)} of the workload`,
      ...statements
        .slice(0, 3)
        .map(
          ({ sql, calls, costBefore, costAfter }) =>
            `  ${costBefore.toFixed(1)} -> ${costAfter.toFixed(1)}, ${calls} calls: ${oneLine(sql)}`,
        ),
    ]),
    ...(drop.length === 0
      ? []
      : ['', ...drop.flatMap(({ ddl, bytes, reason }) => [`${ddl};`, `  frees ${megabytes(bytes)}: ${reason}`])]),
    ...(advice.statistics.length === 0
      ? []
      : ['', ...advice.statistics.flatMap(({ ddl, fill, reason }) => [`${ddl}; ${fill};`, `  ${reason}`])]),
    ...(advice.hints.length === 0
      ? []
      : ['', 'To be written otherwise:', ...advice.hints.map(({ sql, hint }) => `  ${oneLine(sql)}: ${hint}`)]),
    ...(advice.skipped.length === 0
      ? []
      : ['', 'Left out:', ...advice.skipped.map(({ sql, reason }) => `  ${oneLine(sql)}: ${reason}`)]),
    ...(advice.notes.length === 0 ? [] : ['', ...advice.notes]),
    '',
    `${advice.rejected.length} other ideas were rejected; --json lists them with their reasons.`,
    `The database was sent ${advice.targetStatements} statements and waited for ${advice.targetMs.toFixed(0)} ms in all.`,
  ];
}

function coverageText({ coverage: { timeRatio } }: IndexAdvice): string {
  return timeRatio === null ? '' : ` (${percent(timeRatio)} of the time the server spent)`;
}

function oneLine(sql: string): string {
  const text = sql.replaceAll(/\s+/g, ' ');
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1_048_576).toFixed(1)} MB` : `${(bytes / 1_073_741_824).toFixed(2)} GB`;
}
