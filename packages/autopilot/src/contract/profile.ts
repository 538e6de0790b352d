/** Wire types of /api/v1/performance/profiles. */

/** `cpu`: where the event loop's time goes; `allocation`: where memory is taken, kept or not. */
export type ProfileKind = 'cpu' | 'allocation';

/** A place in the code, or a name in parentheses for what is none: a route, the rest. */
export interface ProfileFrame {
  readonly name: string;
  /** Below the process's folder, or the package and what is below that; '' for what is no code. */
  readonly file: string;
  /** From 1; 0: none. */
  readonly line: number;
}

/** Calls with what each took by itself: a flame graph. The uppermost are the routes. */
export interface ProfileTree {
  readonly frames: readonly ProfileFrame[];
  /** Frame, parent (-1: none) and self of each call, parents first. Self is in ms for `cpu`, in bytes for `allocation`. */
  readonly nodes: readonly (readonly number[])[];
  /** Of all nodes, in the unit of self. */
  readonly total: number;
  /** Samples that it is made of. */
  readonly samples: number;
  readonly notes: readonly string[];
}

/** A profile of one instance that was asked for. */
export interface Profile {
  readonly id: string;
  readonly service: string;
  readonly instance: string;
  readonly kind: ProfileKind;
  readonly durationMs: number;
  readonly state: 'running' | 'done' | 'failed';
  /** Why it failed; null otherwise. */
  readonly reason: string | null;
  readonly startedAt: string;
  readonly startedBy: string;
  /** null while it runs, when it failed, and in lists. */
  readonly tree: ProfileTree | null;
}

/** GET /performance/profiles */
export interface ProfileList {
  readonly service: string;
  /** Newest first. */
  readonly profiles: readonly Profile[];
}

/** The least and the most that a profile lasts. */
export const PROFILE_SECONDS = { min: 1, max: 60 } as const;
