import { page } from './operations-shapes.ts';
import type { ShapeOf } from './shape.ts';
import {
  type AutoTuneAnswer,
  type AutoTuneStep,
  type MeasuredEffect,
  type PredictedEffect,
  type Recommendation,
  type RecommendationList,
  type RecommendedStatement,
  type TrialCanary,
  type TrialDetail,
  type TrialGuard,
  type TrialHead,
  type TrialList,
  type TrialMoment,
  type TrialSpread,
  type TrialStatement,
  type TrialStep,
  type TuningCalibration,
  tuningCategories,
} from './tuning.ts';

/** The shapes of what the calls about tuning answer; what a field means is said on its type in tuning.ts. */

const text = { kind: 'string' } as const;
const time = { kind: 'string', format: 'time' } as const;
const whole = { kind: 'integer', min: 0 } as const;
const number = { kind: 'number' } as const;
const ratio = { kind: 'number', min: 0, unit: 'ratio' } as const;
const ms = { kind: 'number', min: 0, unit: 'ms' } as const;
const flag = { kind: 'boolean' } as const;
const orNull = <Of>(of: Of): { readonly kind: 'nullable'; readonly of: Of } => ({ kind: 'nullable', of });
const listOf = <Of>(of: Of): { readonly kind: 'array'; readonly of: Of } => ({ kind: 'array', of });
const category = { kind: 'string', values: tuningCategories } as const;
const verdict = { kind: 'string', values: ['better', 'worse', 'no difference', 'not enough evidence'] } as const;

const predicted: ShapeOf<PredictedEffect> = {
  kind: 'object',
  name: 'PredictedEffect',
  fields: { effect: ratio, low: ratio, high: ratio, savedMsPerHour: number, learntFrom: whole },
};

const recommendedStatement: ShapeOf<RecommendedStatement> = {
  kind: 'object',
  name: 'RecommendedStatement',
  fields: {
    text,
    callsPerHour: orNull(number),
    msPerHour: orNull(number),
    costBefore: number,
    costAfter: number,
    planBefore: listOf(text),
    planAfter: listOf(text),
  },
};

export const recommendation: ShapeOf<Recommendation> = {
  kind: 'object',
  name: 'Recommendation',
  fields: {
    id: text,
    category,
    database: text,
    verdict: { kind: 'string', values: ['change', 'leave'] },
    subject: text,
    change: listOf(text),
    undo: listOf(text),
    reason: text,
    evidence: listOf(text),
    predicted: orNull(predicted),
    statements: listOf(recommendedStatement),
    bytes: orNull({ kind: 'number', min: 0, unit: 'bytes' } as const),
    risk: { kind: 'string', values: ['low', 'medium', 'high'] },
    effort: text,
    automatic: flag,
    obstacle: orNull(text),
    state: { kind: 'string', values: ['open', 'dismissed', 'trying', 'applied'] },
    trial: orNull(text),
    dismissal: orNull({
      kind: 'object',
      fields: { author: text, authorName: orNull(text), reason: text, at: time },
    } as const),
    means: text,
  },
};

export const recommendationList: ShapeOf<RecommendationList> = {
  kind: 'object',
  name: 'RecommendationList',
  fields: {
    service: text,
    computedAt: orNull(time),
    computing: flag,
    recommendations: listOf(recommendation),
    changes: whole,
    notes: listOf(text),
    page,
  },
};

const measured: ShapeOf<MeasuredEffect> = {
  kind: 'object',
  name: 'MeasuredEffect',
  fields: { verdict, effect: orNull(ratio), low: orNull(ratio), high: orNull(ratio), evidence: number },
};

const headFields = {
  id: text,
  service: text,
  kind: text,
  category: orNull(text),
  subject: text,
  author: text,
  authorName: orNull(text),
  origin: { kind: 'string', values: ['person', 'autopilot'] },
  state: {
    kind: 'string',
    values: ['proposed', 'applying', 'watching', 'reverting', 'kept', 'reverted', 'refused'],
  },
  reason: text,
  at: time,
  updatedAt: time,
  appliedAt: orNull(time),
  endedAt: orNull(time),
  predicted: orNull(predicted),
  measured: orNull(measured),
} as const;

export const trialHead: ShapeOf<TrialHead> = { kind: 'object', name: 'TrialHead', fields: headFields };

const spread: ShapeOf<TrialSpread> = {
  kind: 'object',
  name: 'TrialSpread',
  fields: { stretches: whole, quantiles: listOf(ms) },
};

const trialStatement: ShapeOf<TrialStatement> = {
  kind: 'object',
  name: 'TrialStatement',
  fields: {
    text,
    verdict,
    callsBefore: whole,
    callsAfter: whole,
    meanMsBefore: orNull(ms),
    meanMsAfter: orNull(ms),
    buffersBefore: orNull(number),
    buffersAfter: orNull(number),
    effect: orNull(ratio),
    low: orNull(ratio),
    high: orNull(ratio),
    evidence: number,
    spreadBefore: orNull(spread),
    spreadAfter: orNull(spread),
  },
};

const step: ShapeOf<TrialStep> = { kind: 'object', name: 'TrialStep', fields: { at: time, text } };

const moment: ShapeOf<TrialMoment> = {
  kind: 'object',
  name: 'TrialMoment',
  fields: {
    at: time,
    phase: { kind: 'string', values: ['before', 'after'] },
    durationMs: ms,
    calls: whole,
    meanMs: orNull(ms),
  },
};

const guard: ShapeOf<TrialGuard> = {
  kind: 'object',
  name: 'TrialGuard',
  fields: {
    metric: { kind: 'string', values: ['errors', 'p99', 'throughput', 'processor', 'memory'] },
    unit: { kind: 'string', values: ['ratio', 'ms', 'requests/s', 'bytes'] },
    before: orNull(number),
    after: orNull(number),
    limit: orNull(number),
  },
};

const canary: ShapeOf<TrialCanary> = {
  kind: 'object',
  name: 'TrialCanary',
  fields: { instance: text, others: whole, promotedAt: orNull(time) },
};

export const trialDetail: ShapeOf<TrialDetail> = {
  kind: 'object',
  name: 'TrialDetail',
  fields: {
    ...headFields,
    database: orNull(text),
    recommendation: orNull(text),
    change: listOf(text),
    undo: listOf(text),
    statements: listOf(trialStatement),
    canary: orNull(canary),
    guards: listOf(guard),
    steps: listOf(step),
    moments: listOf(moment),
    buildProgress: orNull({ kind: 'number', min: 0, max: 1, unit: 'ratio' } as const),
  },
};

const calibrated = { trials: whole, within: whole, nextFactor: number, nextBias: number } as const;
const calibration: ShapeOf<TuningCalibration> = {
  kind: 'object',
  name: 'TuningCalibration',
  fields: {
    ...calibrated,
    categories: listOf({
      kind: 'object',
      name: 'CategoryCalibration',
      fields: { category: text, ...calibrated },
    } as const),
  },
};

export const trialList: ShapeOf<TrialList> = {
  kind: 'object',
  name: 'TrialList',
  fields: { service: text, trials: listOf(trialHead), calibration, stopped: orNull(text), page },
};

const autoTuneStep: ShapeOf<AutoTuneStep> = {
  kind: 'object',
  name: 'AutoTuneStep',
  fields: {
    recommendation: text,
    subject: text,
    category,
    change: listOf(text),
    predicted: orNull(predicted),
    allowed: flag,
    refusals: listOf(text),
    trial: orNull(text),
  },
};

export const autoTuneAnswer: ShapeOf<AutoTuneAnswer> = {
  kind: 'object',
  name: 'AutoTuneAnswer',
  fields: {
    service: text,
    mode: { kind: 'string', values: ['plan', 'apply'] },
    steps: listOf(autoTuneStep),
    notes: listOf(text),
  },
};
