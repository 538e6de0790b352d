import type { EpochMs } from '../../kernel/clock.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { StatementUse, TrialQuestion } from '../../tune/trial-judgement.ts';
import { ARRIVAL_MS } from './service-vitals.ts';

/** A route as the other instances have it, among the ids of a trial. */
const OTHERS = 'others: ';

/** What routes of a service have cost over the last so many ms, as far as it is heard of by now, by their ids in a trial's question. */
export async function routeUses(
  engine: QueryEngine,
  service: string,
  { affected, controls, canary }: TrialQuestion,
  now: EpochMs,
  lengthMs: number,
): Promise<Readonly<Record<string, StatementUse>>> {
  const to = now - ARRIVAL_MS;
  const range = { from: to - lengthMs, to, complete: true, notes: [] };
  const uses = async (instance: string | undefined): Promise<ReadonlyMap<string, StatementUse>> => {
    const subject = { service, family: 'route', ...(instance === undefined ? {} : { instance }) } as const;
    const rows = await engine.rows(subject, range, affected, ['requests', 'meanMs']);
    return new Map(
      rows.flatMap(({ series, values: { requests, meanMs } }) =>
        // Pages are the database's; a route has none, the same for every call.
        requests === null || requests === 0 || meanMs === null
          ? []
          : [[series.key, { calls: requests, totalMs: requests * meanMs, buffers: requests }] as const],
      ),
    );
  };
  const all = await uses(undefined);
  if (canary === undefined) return Object.fromEntries(all);
  const mine = await uses(canary);
  const found: Record<string, StatementUse> = Object.fromEntries(mine);
  for (const id of controls) {
    const route = id.slice(OTHERS.length);
    const whole = all.get(route);
    const part = mine.get(route) ?? { calls: 0, totalMs: 0, buffers: 0 };
    if (whole === undefined || whole.calls <= part.calls) continue;
    const calls = whole.calls - part.calls;
    found[id] = { calls, totalMs: Math.max(0, whole.totalMs - part.totalMs), buffers: calls };
  }
  return found;
}

/** How many requests an instance has answered in the last ten minutes. */
export async function requestsOf(
  engine: QueryEngine,
  service: string,
  now: EpochMs,
  instance: string,
): Promise<number> {
  const to = now - ARRIVAL_MS;
  const range = { from: to - LOOK_BACK_MS, to, complete: true, notes: [] };
  const { values } = await engine.summary({ service, family: 'route', instance }, range, ['requests']);
  return values.requests ?? 0;
}

/** What a trial of settings is judged by: its dearest routes, on the instance that tries them against the others where there is one. */
export async function routeQuestion(
  engine: QueryEngine,
  service: string,
  now: EpochMs,
  canary: string | null,
): Promise<TrialQuestion> {
  const to = now - ARRIVAL_MS;
  const range = { from: to - LOOK_BACK_MS, to, complete: true, notes: [] };
  const top = await engine.top({ service, family: 'route' }, range, 'concurrency', ROUTES);
  const affected = top.flatMap(({ series, value }) => (value === null || value === 0 ? [] : [series.key]));
  if (canary === null) return { of: 'routes', affected, controls: [] };
  return { of: 'routes', affected, controls: affected.map((route) => OTHERS + route), canary };
}

/** Routes that settings are judged by: those that take most of the time. */
const ROUTES = 12;
const LOOK_BACK_MS = 10 * 60_000;
