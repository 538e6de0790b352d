import { definePlan, type LoadPlan } from '@teamflow/autopilot/load';
import { everyday, teamflow } from './journeys.ts';

/** Journeys a second at the full hours of a working day, midnight first: two peaks, a lunch break, quiet nights. */
const hours = [1, 1, 1, 1, 1, 2, 4, 9, 16, 20, 19, 17, 11, 14, 19, 20, 17, 12, 7, 5, 4, 3, 2, 1];

/** A whole day in 24 times 10 seconds. */
const plan: LoadPlan = definePlan({
  ...teamflow,
  name: 'teamflow-day',
  load: { kind: 'replay', spacing: 'poisson', stepMs: 10_000, ratesPerSecond: hours, users: 200 },
  flows: everyday,
});
export default plan;
