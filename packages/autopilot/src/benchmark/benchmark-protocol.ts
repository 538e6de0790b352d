import type { BenchmarkPartId, BenchmarkReport } from '../contract/benchmarks.ts';
import type { TargetRule } from '../load/target.ts';

/** What is measured. Plain data: it goes to another process. */
export interface BenchmarkOrder {
  readonly runId: string;
  /** Keeps its requests apart from those of users. */
  readonly mark: string;
  /** Whose API is measured, and what may be asked; null: nobody's. */
  readonly target: { readonly origin: string; readonly path: string; readonly rules: readonly TargetRule[] } | null;
  /** The database that is measured, only read; null: none. */
  readonly databaseUrl: string | null;
  /** Where commits are measured; null: nowhere. */
  readonly commitUrl: string | null;
  /** Others may take this much of the machine while the processor is measured. */
  readonly maxBusyRatio: number;
  /** Of the service now. */
  readonly releases: readonly string[];
  readonly roundMs: number;
}

/** How a benchmark gets on. */
export interface BenchmarkProgress {
  /** 0 to 1. */
  readonly progress: number;
  readonly part: BenchmarkPartId;
}

/** What the process of a benchmark says; `ended` or `failed` is its last word. */
export type BenchmarkWord =
  | ({ readonly kind: 'progress' } & BenchmarkProgress)
  | { readonly kind: 'ended'; readonly report: BenchmarkReport }
  | { readonly kind: 'failed'; readonly message: string };
