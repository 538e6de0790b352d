import { definePlan, type LoadPlan } from '@teamflow/autopilot/load';
import { board, moveCard, teamflow, weighted } from './journeys.ts';

/** A team at its boards. */
const plan: LoadPlan = definePlan({
  ...teamflow,
  name: 'teamflow-board',
  load: { kind: 'users', stages: [{ durationMs: 70_000, users: 50 }], thinkMs: { meanMs: 3000 } },
  warmupMs: 10_000,
  flows: weighted([3, board], [1, moveCard]),
});
export default plan;
