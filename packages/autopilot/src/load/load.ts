/** Load tests: read or write a plan, run it, merge what several machines found. */

export type { CapacityModel, CapacityPoint, CapacityPrediction, Estimate, NoCapacityModel } from './capacity-model.ts';
export { fitCapacity, predictLoad } from './capacity-model.ts';
export type { LoadCeilings } from './check-plan.ts';
export { DEFAULT_CEILINGS } from './check-plan.ts';
export {
  type CompareOptions,
  compareLoadResults,
  type FigureComparison,
  type LoadComparison,
  type Verdict,
} from './compare-results.ts';
export type { LoadReport, LoadTestKind, StressReport, StressStep } from './load-report.ts';
export { passed } from './load-report.ts';
export { type LoadTestOptions, planOfKind, runLoadTest } from './load-test.ts';
export { mergeLoadReports } from './merge-reports.ts';
export { mergeLoadResults } from './merge-results.ts';
export type * from './plan.ts';
export { definePlan, LOAD_TEST_HEADER } from './plan.ts';
export { LoadPlanError, type PlanMistake } from './plan-error.ts';
export { planSchema } from './plan-schema.ts';
export { parsePlan, type ReadPlanOptions, readPlan } from './read-plan.ts';
export { htmlReport } from './report/html-report.ts';
export { junitReport } from './report/junit-report.ts';
export type * from './result.ts';
export { type LoadProgress, type RunLoadOptions, runLoad } from './run-load.ts';
export type { StopReason, TargetVitals } from './shared-state.ts';
export type { SteadyState } from './steady-state.ts';
export { LOOPBACK_TARGETS, type Resolve, type TargetRule } from './target.ts';
