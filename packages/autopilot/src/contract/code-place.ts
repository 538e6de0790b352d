import type { EpochMs } from '../kernel/clock.ts';

/** Where in the application's code something was seen to happen; looked at on a sample, so it may come late. */
export interface CodePlace {
  /**
   * `statement`: it is sent from there; `leak`: a connection was taken there and never given back; `list`: it was sent with a
   * long list of values, from wherever.
   */
  readonly kind: 'statement' | 'leak' | 'list';
  readonly database: string;
  /** The statement's id, or the name of the pool. */
  readonly key: string;
  /** null: outside of any request. */
  readonly route: string | null;
  /** "server/tasks.ts:120", what called it behind it; libraries are left out. Empty: not seen yet. */
  readonly frames: readonly string[];
  /** When it was seen last. */
  readonly at: EpochMs;
  /** How often it was seen: samples, or connections that were not given back; of a list how many values the longest had. */
  readonly count: number;
  /** Whose requests sent it when it was looked at, the latest first, so that who sends most is seen first; absent: nobody's, or not known yet. */
  readonly tenants?: readonly string[];
}

/** A route that sends a statement. */
export interface StatementCaller {
  readonly route: string;
  /** On average; null: no request of it is known. */
  readonly callsPerRequest: number | null;
  /** Requests that sent it ten times or more, and how often on average; null: none did. */
  readonly repeats: number;
  readonly callsPerRepeat: number | null;
  /** Where in the application it is sent from, the innermost first, as seen on a sample; empty: not seen yet. */
  readonly frames: readonly string[];
  /** Tenants whose requests sent it when it was looked at, a few of them; empty: none was seen. */
  readonly tenants: readonly { readonly tenant: string; readonly name: string | null }[];
}

/** Tells places apart: for maps. */
export function placeKey({
  kind,
  database,
  key,
  route,
}: Omit<CodePlace, 'frames' | 'at' | 'count' | 'tenants'>): string {
  return `${kind}\n${database}\n${key}\n${route ?? ''}`;
}
