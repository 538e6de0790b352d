import { definePlan, type LoadPlan } from '@teamflow/autopilot/load';
import { browse, comment, moveCard, teamflow, weighted, write } from './journeys.ts';

/** More writing than reading. */
const plan: LoadPlan = definePlan({
  ...teamflow,
  name: 'teamflow-write-heavy',
  load: { kind: 'users', stages: [{ durationMs: 70_000, users: 50 }], thinkMs: { meanMs: 2000 } },
  warmupMs: 10_000,
  flows: weighted([3, write], [3, comment], [2, moveCard], [2, browse]),
});
export default plan;
