import type { LoadReport, LoadTestKind, StressStep } from './load-report.ts';
import type { LoadTestOptions } from './load-test.ts';
import type { LoadPlan } from './plan.ts';
import type { LoadProgress } from './run-load.ts';
import type { TargetVitals } from './shared-state.ts';

/** What of the options goes to another process. */
export type SentOptions = Pick<
  LoadTestOptions,
  'targets' | 'ceilings' | 'runId' | 'objective' | 'tolerance' | 'stepMs' | 'mostMs' | 'capacities' | 'workers'
>;

/** What the process of a load test is told. */
export type LoadOrder =
  | { readonly kind: 'start'; readonly test: LoadTestKind; readonly plan: LoadPlan; readonly options: SentOptions }
  /** The target's own figures, several times a second. */
  | { readonly kind: 'vitals'; readonly vitals: TargetVitals }
  | { readonly kind: 'stop' };

/** What it says; `ended` or `failed` is its last word. */
export type LoadWord =
  | { readonly kind: 'progress'; readonly progress: LoadProgress }
  | { readonly kind: 'step'; readonly step: StressStep }
  | { readonly kind: 'ended'; readonly report: LoadReport }
  | { readonly kind: 'failed'; readonly message: string; readonly remedy: string | null };
