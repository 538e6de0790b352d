import { definePlan, type LoadPlan } from '@teamflow/autopilot/load';
import { everyday, teamflow } from './journeys.ts';

/** An ordinary day's work, as independent people begin it: 20 journeys a second, about 50 requests a second. */
const plan: LoadPlan = definePlan({
  ...teamflow,
  name: 'teamflow-mixed',
  load: {
    kind: 'arrivals',
    spacing: 'poisson',
    users: 200,
    stages: [
      { durationMs: 10_000, ratePerSecond: 5, toRatePerSecond: 20 },
      { durationMs: 60_000, ratePerSecond: 20 },
    ],
  },
  warmupMs: 10_000,
  flows: everyday,
});
export default plan;
