import type { InstancesQuery } from '../../contract/operations.ts';
import type { InstanceList } from '../../contract/performance.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { type KeysetOrder, readWithin } from '../../page/page.ts';
import { instanceRows } from '../../query/instance-rows.ts';
import { type SteppedRange, sparklineRange, wholeRange } from '../../query/time-range.ts';
import type { Extent } from '../../storage/ports.ts';
import { type PerformanceSources, scopeOf } from './sources.ts';

const LOOK_BACK_MS = 5 * 60_000;

/** The range of a list's first page travels in its cursor, so that all pages are of one list; nothing of it becomes SQL. */
const order: KeysetOrder = {
  columns: [
    { sql: 'range_from', type: 'bigint' },
    { sql: 'range_to', type: 'bigint' },
    { sql: 'instance', type: 'text' },
    { sql: 'release', type: 'text' },
  ],
  direction: 'ascending',
};

/** GET /performance/instances, by name */
export async function listInstances(sources: PerformanceSources, query: InstancesQuery): Promise<InstanceList> {
  const { clock, engine, agents, pager } = sources;
  const scope = scopeOf(sources, query);
  const { cursor, limit, from, to } = query;
  const open = pager.open({ cursor, limit, order, filter: { ...scope, from, to } });
  const [rangeFrom, rangeTo, instance, release] = open.from?.map(String) ?? [];
  const now = clock.now();
  const extent = await engine.extent(scope.service, now);
  const range =
    rangeFrom === undefined || rangeTo === undefined
      ? rangeOf(
          from === undefined ? undefined : Date.parse(from),
          to === undefined ? undefined : Date.parse(to),
          extent,
          now,
        )
      : rangeOf(Number(rangeFrom), Number(rangeTo), extent, now);
  const known = agents
    .instances(scope.service)
    .filter(
      (one) => one.instance === (scope.instance ?? one.instance) && one.release === (scope.release ?? one.release),
    );
  const rows = [...(await instanceRows(engine, scope, range, known, now))];
  const backward = open.toward === 'previous';
  if (backward) rows.reverse();
  const beyond = rows.filter((row) => {
    if (instance === undefined || release === undefined) return true;
    if (row.instance !== instance) return row.instance < instance === backward;
    return row.release !== release && row.release < release === backward;
  });
  let start = 0;
  const { items, page } = await readWithin(
    open,
    async ({ fetch }) => {
      const from = start;
      start += fetch;
      return beyond.slice(from, start);
    },
    (row) => [String(range.from), String(range.to), row.instance, row.release],
    { count: { value: rows.length, exact: true } },
  );
  return {
    service: scope.service,
    from: new Date(range.from).toISOString(),
    to: new Date(range.to).toISOString(),
    instances: items,
    complete: range.complete,
    notes: range.notes,
    page,
  };
}

function rangeOf(from: EpochMs | undefined, to: EpochMs | undefined, extent: Extent, now: EpochMs): SteppedRange {
  return sparklineRange(wholeRange({ from, to }, LOOK_BACK_MS, extent, now), extent, now);
}
