import { definePlan, type LoadPlan } from '@teamflow/autopilot/load';
import { everyday, teamflow } from './journeys.ts';

/** Five times the usual load for 20 seconds, and back. */
const plan: LoadPlan = definePlan({
  ...teamflow,
  name: 'teamflow-spike',
  load: {
    kind: 'arrivals',
    spacing: 'poisson',
    users: 1000,
    stages: [{ durationMs: 90_000, ratePerSecond: 10 }],
    spikes: [{ atMs: 40_000, durationMs: 20_000, ratePerSecond: 50 }],
  },
  warmupMs: 10_000,
  flows: everyday,
});
export default plan;
