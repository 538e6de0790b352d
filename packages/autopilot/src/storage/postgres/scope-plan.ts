import type { Origin } from '../../contract/series.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { SeriesQuery } from '../ports.ts';
import { WINDOWS_SERIES } from './bucket-sums.ts';
import { keptFrom, type Partition } from './partitions.ts';
import { type Level, type Part, planRead, type StoredLevels } from './read-plan.ts';
import { DAY_MS, floorTo, HOUR_MS, MINUTE_MS } from './retention.ts';
import type { StoreClient } from './store-connection.ts';
import { familiesOfService, WINDOWS_FAMILY } from './stored-names.ts';

/** A stored instance, or a service as a whole. */
export interface StoredScope {
  readonly id: number;
  readonly origin: Origin;
  readonly isService: boolean;
  readonly levels: StoredLevels;
  /** Of what was merged into minutes; null: nothing was. */
  readonly firstStart: EpochMs | null;
  readonly lastEnd: EpochMs | null;
}

/** A part of the range, for one scope. */
export interface ScopePart extends Part {
  readonly scope: StoredScope;
}

/** How much time one question asks for, so that an answer stays within some MB for 50 scopes of 100 series. */
const stretchMs: Readonly<Record<Level, number>> = {
  window: 10 * MINUTE_MS,
  minute: 2 * HOUR_MS,
  hour: 4 * DAY_MS,
  day: 200 * DAY_MS,
};
/** A question for few series may be for this much more time. */
const FEW_SERIES = 10;

/** Scopes in one question: what one answer may hold at most is a matter of memory. */
const SCOPES_PER_QUESTION = 50;

/** Where each level begins to be kept for a range that ends at `at`, by the partitions that are there. */
export function keptLevels(
  partitions: ReadonlyMap<string, readonly Partition[]>,
  at: EpochMs,
): Pick<StoredLevels, 'windowsFrom' | 'minutesFrom' | 'hoursFrom'> {
  const of = (name: string): readonly Partition[] => partitions.get(name) ?? [];
  const oldest = (name: string): EpochMs => of(name)[0]?.from ?? Number.POSITIVE_INFINITY;
  return {
    windowsFrom: keptFrom(of('windows'), at),
    minutesFrom: Math.min(oldest('minute_blocks'), oldest('minute_chunks')),
    hoursFrom: Math.min(oldest('hour_blocks'), oldest('hour_chunks')),
  };
}

/** The instances of a service, and the service as a whole where compaction has made it. */
export async function readScopes(
  client: StoreClient,
  { service, to }: SeriesQuery,
  partitions: ReadonlyMap<string, readonly Partition[]>,
): Promise<readonly StoredScope[]> {
  const { rows } = await client.query<{
    scope_id: number;
    instance: string | null;
    release: string | null;
    first_start_ms: number | null;
    last_end_ms: number | null;
    minutes_until_ms: number | null;
    hours_until_ms: number | null;
  }>(
    `SELECT scope_id, instance, release, first_start_ms, last_end_ms, minutes_until_ms, hours_until_ms
     FROM autopilot.scopes WHERE service = $1`,
    [service],
  );
  const kept = keptLevels(partitions, to);
  return rows.map((row) => ({
    id: row.scope_id,
    isService: row.instance === null,
    firstStart: row.first_start_ms,
    lastEnd: row.last_end_ms,
    origin: { service, instance: row.instance ?? '', release: row.release ?? '' },
    levels: {
      ...kept,
      minutesUntil: row.minutes_until_ms ?? Number.NEGATIVE_INFINITY,
      hoursUntil: row.hours_until_ms ?? Number.NEGATIVE_INFINITY,
    },
  }));
}

/** Which parts of the query's range are read from which level, for the instances or for the service as a whole. */
export async function planScopes(
  client: StoreClient,
  query: SeriesQuery,
  scopes: readonly StoredScope[],
  instances: readonly StoredScope[],
): Promise<readonly ScopePart[]> {
  const whole = scopes.find(({ isService }) => isService);
  const alive = instances.filter((scope) => mayHave(scope, query));
  return mayMerge(query) && whole !== undefined && alive.length > 1
    ? await planService(client, query, whole, alive)
    : alive.flatMap((scope) => planOf(query, scope));
}

/**
 * Whether anything merged of the scope can lie in the range: a service that is deployed daily leaves thousands of instances behind.
 * (What is not merged yet is looked for in all of them.)
 */
function mayHave({ firstStart, lastEnd }: StoredScope, { from, to }: SeriesQuery): boolean {
  return lastEnd !== null && lastEnd > from && (firstStart === null || firstStart < to);
}

/** Whether instances may come merged, and that is stored for the family. */
function mayMerge({ mergeInstances, instance, release, family }: SeriesQuery): boolean {
  return mergeInstances === true && instance === undefined && release === undefined && familiesOfService.has(family);
}

function planOf({ from, to, resolutionMs }: SeriesQuery, scope: StoredScope): ScopePart[] {
  return planRead(from, to, resolutionMs, scope.levels).map((part) => ({ ...part, scope }));
}

/**
 * The plan for a service as a whole. Windows are those of its instances, and so are the minutes of hours that were closed with one
 * instance only.
 */
async function planService(
  client: StoreClient,
  query: SeriesQuery,
  whole: StoredScope,
  instances: readonly StoredScope[],
): Promise<readonly ScopePart[]> {
  const plan = planOf(query, whole);
  const hours = await hoursByTheMinute(client, whole, plan);
  return plan.flatMap((part): readonly ScopePart[] => {
    if (part.level === 'window') return instances.map((scope) => ({ ...part, scope }));
    if (part.level !== 'minute') return [part];
    return runsOf(part, (hour) => hour >= whole.levels.minutesUntil || hours.has(hour)).flatMap((run) =>
      run.holds
        ? [{ ...part, from: run.from, to: run.to }]
        : instances.map((scope) => ({ level: part.level, from: run.from, to: run.to, scope })),
    );
  });
}

interface Run {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly holds: boolean;
}

/** Cuts a part where the answer for its hours changes. */
function runsOf({ from, to }: Part, holds: (hour: EpochMs) => boolean): readonly Run[] {
  const runs: Run[] = [];
  for (let hour = floorTo(from, HOUR_MS); hour < to; hour += HOUR_MS) {
    const last = runs.at(-1);
    const run = { from: Math.max(from, hour), to: Math.min(to, hour + HOUR_MS), holds: holds(hour) };
    if (last?.holds === run.holds) runs[runs.length - 1] = { ...last, to: run.to };
    else runs.push(run);
  }
  return runs;
}

/** Closed hours of the plan whose minutes are stored for the service as a whole. */
async function hoursByTheMinute(
  client: StoreClient,
  whole: StoredScope,
  plan: readonly ScopePart[],
): Promise<ReadonlySet<EpochMs>> {
  const minutes = plan.filter(({ level }) => level === 'minute');
  const [first] = minutes;
  if (first === undefined) return new Set();
  const { rows } = await client.query<{ start_ms: number }>(
    `SELECT DISTINCT start_ms FROM autopilot.minute_chunks
     WHERE scope_id = $1 AND family = $2 AND series_id = $3 AND start_ms >= $4 AND start_ms < $5`,
    [whole.id, WINDOWS_FAMILY, WINDOWS_SERIES, floorTo(first.from, HOUR_MS), minutes.at(-1)?.to],
  );
  return new Set(rows.map(({ start_ms }) => start_ms));
}

/** Cuts the parts of a level so that one question is for a stretch of time and at most 50 scopes. */
export function* stretchesOf(
  parts: readonly ScopePart[],
  level: Level,
  ids: readonly number[] | null,
): IterableIterator<readonly ScopePart[]> {
  const ofLevel = parts.filter((part) => part.level === level);
  if (ofLevel.length === 0) return;
  const first = Math.min(...ofLevel.map(({ from }) => from));
  const last = Math.max(...ofLevel.map(({ to }) => to));
  const few = ids !== null && ids.length <= FEW_SERIES;
  const unitMs = stretchMs[level] * (few ? 12 : 1);
  for (let from = floorTo(first, unitMs); from < last; from += unitMs) {
    const to = from + unitMs;
    const inside = ofLevel
      .filter((part) => part.from < to && part.to > from)
      .map((part) => ({ ...part, from: Math.max(part.from, from), to: Math.min(part.to, to) }));
    for (let at = 0; at < inside.length; at += SCOPES_PER_QUESTION) yield inside.slice(at, at + SCOPES_PER_QUESTION);
  }
}
