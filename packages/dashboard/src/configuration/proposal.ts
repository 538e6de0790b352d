import type { ConfigChange, ConfigCheck } from '@teamflow/autopilot/contract';

/** A change that somebody is about to make: looked at first, then made. */
export interface Proposal {
  /** "Change 2 settings". */
  readonly title: string;
  /** What its button says: "Apply". */
  readonly verb: string;
  /** The version that it is based on: made only while that is the newest. */
  readonly base: number;
  /** Stands in the field for the note; empty: nobody knows why yet. */
  readonly note: string;
  /** What it would do; changes nothing. */
  readonly check: (signal: AbortSignal) => Promise<ConfigCheck>;
  readonly make: (note: string, ifVersion: number) => Promise<ConfigChange>;
}

/** A change that was made, as long as it can be watched and taken back. */
export interface Made {
  readonly change: ConfigChange;
  /** The version before it. */
  readonly before: number;
}
