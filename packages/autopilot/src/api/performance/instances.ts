import type { InstancesQuery } from '../../contract/operations.ts';
import type { InstanceList } from '../../contract/performance.ts';
import type { KeysetOrder } from '../../page/page.ts';
import { type PerformanceSources, scopeOf } from './sources.ts';

const order: KeysetOrder = { columns: [{ sql: 'instance', type: 'text' }], direction: 'ascending' };

/** GET /performance/instances, by name */
export function listInstances(sources: PerformanceSources, query: InstancesQuery): InstanceList {
  const { service } = scopeOf(sources, query);
  const open = sources.pager.open({ cursor: query.cursor, limit: query.limit, order, filter: { service } });
  const instances = sources.agents.instances(service).toSorted((a, b) => (a.instance < b.instance ? -1 : 1));
  const backward = open.orderBy.endsWith(' desc');
  if (backward) instances.reverse();
  const [name] = open.condition?.values ?? [];
  const beyond = instances.filter(
    ({ instance }) => name === undefined || (backward ? instance < name : instance > name),
  );
  const { items, page } = open.close(beyond.slice(0, open.fetch), ({ instance }) => [instance]);
  return { service, instances: items, page };
}
