import { definePlan, type LoadPlan } from '@teamflow/autopilot/load';
import { search, teamflow } from './journeys.ts';

/** Searches, and the tasks they find. */
const plan: LoadPlan = definePlan({
  ...teamflow,
  name: 'teamflow-search',
  load: { kind: 'users', stages: [{ durationMs: 70_000, users: 50 }], thinkMs: { meanMs: 3000 } },
  warmupMs: 10_000,
  flows: [search],
});
export default plan;
