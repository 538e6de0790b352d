import type { TrialCanary, TrialGuard } from '../contract/tuning.ts';
import type { JsonValue, Trial } from '../storage/ports.ts';
import type { Interleaving } from './interleaving.ts';
import type { TrialJudgement, TrialQuestion } from './trial-judgement.ts';
import type { TrialSpreads } from './trial-spread.ts';

/** What a change was expected to do to the time of the affected statements, after : before, with an 80 % interval. */
export interface TrialPrediction {
  readonly effect: number;
  readonly low: number;
  readonly high: number;
  readonly savedMsPerHour: number;
  /** Trials that the interval was learnt from. */
  readonly learntFrom: number;
  /** The effect as the model had it, before it was mended by what was learnt; null: it had none. */
  readonly modelled?: number | null;
}

/** A search for a better value of a setting: trials one after the other. */
export interface TrialSearch {
  readonly id: string;
  readonly key: string;
  /** The value before the first of them. */
  readonly start: number;
  /** The value that this one tries. */
  readonly value: number;
}

/** What a trial carries beside its order. */
export interface TrialAbout {
  /** indexes, configuration ... */
  readonly category: string;
  readonly recommendation: string;
  readonly database: string;
  readonly question: TrialQuestion;
  /** The texts of the affected statements, by id. */
  readonly texts: Readonly<Record<string, string>>;
  /** null: nobody has foretold anything. */
  readonly predicted: TrialPrediction | null;
  /** When the change was there; null: it is not yet. */
  readonly appliedAt: string | null;
  readonly endedAt: string | null;
  readonly judgement: TrialJudgement | null;
  /** By statement; absent in what older releases wrote. */
  readonly spreads?: Readonly<Record<string, TrialSpreads>>;
  /** What the change must not harm, as it was measured last; absent in what older releases wrote. */
  readonly guards?: readonly TrialGuard[];
  /** The search for a better value that it is a step of. */
  readonly search?: TrialSearch;
  /** Somebody has ended it by hand. */
  readonly byHand?: true;
  /** Absent: it is tried where it is to stay. */
  readonly canary?: TrialCanary;
  /** Absent: the change stays once it is made. */
  readonly interleaving?: Interleaving;
}

/** What a trial carries; null: it is an order that nobody watches. */
export function aboutOf({ about }: Trial): TrialAbout | null {
  return about as unknown as TrialAbout | null; // nothing but aboutJson() writes it
}

/** As the journal keeps it. */
export function aboutJson(about: TrialAbout): JsonValue {
  // Numbers, texts and lists, which its type says by name only. What is beyond numbers (an evidence of e^700) is none in JSON.
  return JSON.parse(JSON.stringify(about)) as JsonValue;
}
