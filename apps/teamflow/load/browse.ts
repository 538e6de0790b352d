import { definePlan, type LoadPlan } from '@teamflow/autopilot/load';
import { browse, overview, teamflow, weighted } from './journeys.ts';

/** People who only look. */
const plan: LoadPlan = definePlan({
  ...teamflow,
  name: 'teamflow-browse',
  load: { kind: 'users', stages: [{ durationMs: 70_000, users: 100 }], thinkMs: { meanMs: 3000 } },
  warmupMs: 10_000,
  flows: weighted([4, browse], [1, overview]),
});
export default plan;
