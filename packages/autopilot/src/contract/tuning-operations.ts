import type { ErrorCode } from './error-table.ts';
import type { Operation } from './operations.ts';
import { cursor, database, limit, optional, service } from './operations-parameters.ts';
import type { ObjectShape } from './shape.ts';
import {
  type AutoTuneAnswer,
  type Recommendation,
  type RecommendationList,
  type TrialDetail,
  type TrialHead,
  type TrialList,
  tuningCategories,
} from './tuning.ts';
import * as shapes from './tuning-shapes.ts';

/** Parameters of GET /optimization/recommendations and /optimization/trials. */
export interface TuningListQuery {
  readonly service?: string;
  /** Only of this watched database; default: of all. */
  readonly database?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of GET /optimization/recommendations. */
export interface RecommendationsQuery extends TuningListQuery {
  /** true: works them out anew first, which takes seconds. */
  readonly fresh?: boolean;
}

/** Parameters of the calls that do something. */
export interface TuningQuery {
  readonly service?: string;
}

/** Parameters of POST /optimization/auto-tune. */
export interface AutoTuneQuery extends TuningQuery {
  /** Only of this watched database; default: of all. */
  readonly database?: string;
}

/** Parameters of POST /optimization/trials. */
export interface TrySettingsQuery extends TuningQuery {
  /** Tries them on this instance alone, against the others. */
  readonly instance?: string;
  readonly note?: string;
  /** A number: a better value of it is searched, by trials one after the other; the body is left empty. */
  readonly search?: string;
}

/** The types of the calls about tuning, by operationId. */
export interface TuningOperationTypes {
  readonly listRecommendations: { readonly query: RecommendationsQuery; readonly answer: RecommendationList };
  readonly applyRecommendation: { readonly query: TuningQuery; readonly answer: TrialHead };
  readonly dismissRecommendation: { readonly query: TuningQuery; readonly answer: Recommendation };
  readonly autoTune: { readonly query: AutoTuneQuery; readonly answer: AutoTuneAnswer };
  readonly trySettings: { readonly query: TrySettingsQuery; readonly answer: TrialHead };
  readonly listTrials: { readonly query: TuningListQuery; readonly answer: TrialList };
  readonly getTrial: { readonly query: object; readonly answer: TrialDetail };
  readonly revertTrial: { readonly query: object; readonly answer: TrialHead };
}

/** Names a call about tuning. */
export type TuningOperationId = keyof TuningOperationTypes;

const tag = 'Optimization';
const nothing = { kind: 'object', fields: {} } as const;
const id: ObjectShape = { kind: 'object', fields: { id: { kind: 'string', maxLength: 64, description: 'Its id' } } };
const JSON_ONLY = ['application/json'] as const;
const ADVISES: readonly ErrorCode[] = [
  'AP_SERVICE_UNKNOWN',
  'AP_DATABASE_UNKNOWN',
  'AP_DATABASE_UNREACHABLE',
  'AP_DATABASE_REFUSED',
  'AP_JOURNAL_UNAVAILABLE',
];
const CHANGES: readonly ErrorCode[] = ['AP_CROSS_SITE', 'AP_ORDER_REFUSED', 'AP_TRIAL_SCOPE_TAKEN'];
const KNOWN: readonly ErrorCode[] = ['AP_RECOMMENDATION_UNKNOWN', 'AP_BODY_INVALID', 'AP_BODY_TOO_LARGE'];

/** The calls about tuning. */
export const tuningOperations: {
  readonly [Id in TuningOperationId]: Operation<TuningOperationTypes[Id]['query'], TuningOperationTypes[Id]['answer']>;
} = {
  listRecommendations: {
    method: 'GET',
    path: '/api/v1/optimization/recommendations',
    tag,
    summary: 'What could be changed, what it is expected to bring, and what is better left as it is',
    description:
      'Worked out in the background and kept; `fresh=true` works them out now. Found by models and statistics: what-if planning on a copy of the statistics, rules with their evidence; no language model.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        database,
        fresh: optional({ kind: 'boolean', description: 'true: works them out anew first' } as const),
        limit,
        cursor,
      },
    },
    answer: shapes.recommendationList,
    mediaTypes: JSON_ONLY,
    problems: [...ADVISES, 'AP_PAGE_CURSOR_INVALID'],
  },
  applyRecommendation: {
    method: 'POST',
    path: '/api/v1/optimization/recommendations/{id}/apply',
    tag,
    summary:
      'Begins a trial: the time before is measured, the change made, its effect measured, and kept or taken back',
    description: 'Answers 202. The trial is followed at the address in Location.',
    scope: 'operate',
    params: id,
    query: { kind: 'object', fields: { service } },
    answer: shapes.trialHead,
    mediaTypes: JSON_ONLY,
    problems: [...ADVISES, ...CHANGES, 'AP_RECOMMENDATION_UNKNOWN', 'AP_RECOMMENDATION_FIXED'],
  },
  dismissRecommendation: {
    method: 'POST',
    path: '/api/v1/optimization/recommendations/{id}/dismiss',
    tag,
    summary: 'Declines a recommendation until it promises twice as much',
    scope: 'operate',
    params: id,
    query: { kind: 'object', fields: { service } },
    body: {
      description: 'Why',
      mediaTypes: ['application/json'],
      maxBytes: 65_536,
      shape: { kind: 'object', fields: { reason: { kind: 'string', maxLength: 500 } } },
    },
    answer: shapes.recommendation,
    mediaTypes: JSON_ONLY,
    problems: [...ADVISES, ...KNOWN, 'AP_CROSS_SITE'],
  },
  autoTune: {
    method: 'POST',
    path: '/api/v1/optimization/auto-tune',
    tag,
    summary: 'What the autopilot would change now, guard by guard; with mode "apply" it begins the trials',
    scope: 'operate',
    query: { kind: 'object', fields: { service, database } },
    body: {
      description: 'None plans',
      mediaTypes: ['application/json'],
      maxBytes: 65_536,
      shape: {
        kind: 'object',
        fields: {
          mode: optional({ kind: 'string', values: ['plan', 'apply'], description: 'Default plan' } as const),
          maxChanges: optional({ kind: 'integer', min: 1, max: 20, description: 'Default 1' } as const),
          categories: optional({
            kind: 'array',
            of: { kind: 'string', values: tuningCategories },
            description: 'Default all',
          } as const),
        },
      },
    },
    answer: shapes.autoTuneAnswer,
    mediaTypes: JSON_ONLY,
    problems: [...ADVISES, 'AP_CROSS_SITE', 'AP_BODY_INVALID', 'AP_BODY_TOO_LARGE'],
  },
  listTrials: {
    method: 'GET',
    path: '/api/v1/optimization/trials',
    tag,
    summary: 'The journal: every change with what was predicted and measured, its verdict, who and when',
    scope: 'read',
    query: { kind: 'object', fields: { service, database, limit, cursor } },
    answer: shapes.trialList,
    mediaTypes: JSON_ONLY,
    problems: ['AP_SERVICE_UNKNOWN', 'AP_PAGE_CURSOR_INVALID', 'AP_JOURNAL_UNAVAILABLE'],
  },
  trySettings: {
    method: 'POST',
    path: '/api/v1/optimization/trials',
    tag,
    summary: 'Tries settings: kept when the routes take less time with them, taken back when they do not',
    description:
      'With two instances or more, one of them tries what is meant for all, judged against the others at the same time; all get it when it is kept there. Of a single one, settings that apply at once are flipped on and off meanwhile, so that what the day does befalls both alike. Answers 202; the trial is followed at the address in Location.',
    scope: 'admin',
    query: {
      kind: 'object',
      fields: {
        service,
        instance: optional({
          kind: 'string',
          maxLength: 512,
          description: 'Tries them on this instance alone',
        } as const),
        note: optional({ kind: 'string', maxLength: 500, description: 'Kept with the versions' } as const),
        search: optional({
          kind: 'string',
          maxLength: 200,
          description:
            'A number that the tuner may move, as `database.poolMax`: searched for a better value from the one of now outwards, by trials one after the other. The body is `{}`',
        } as const),
      },
    },
    body: {
      description: 'A JSON merge patch (RFC 7396) of nested settings; null takes a value back',
      mediaTypes: ['application/merge-patch+json', 'application/json'],
      maxBytes: 262_144,
      shape: null,
    },
    answer: shapes.trialHead,
    mediaTypes: JSON_ONLY,
    problems: [
      'AP_SERVICE_UNKNOWN',
      'AP_BODY_INVALID',
      'AP_BODY_TOO_LARGE',
      'AP_CONFIG_INVALID',
      'AP_CONFIG_REFUSED',
      'AP_CONFIG_STORE_UNAVAILABLE',
      'AP_JOURNAL_UNAVAILABLE',
      ...CHANGES,
    ],
  },
  getTrial: {
    method: 'GET',
    path: '/api/v1/optimization/trials/{id}',
    tag,
    summary: 'One trial: its statements before and after, its statistics and every step',
    scope: 'read',
    params: id,
    query: nothing,
    answer: shapes.trialDetail,
    mediaTypes: JSON_ONLY,
    problems: ['AP_TRIAL_UNKNOWN', 'AP_JOURNAL_UNAVAILABLE'],
  },
  revertTrial: {
    method: 'POST',
    path: '/api/v1/optimization/trials/{id}/revert',
    tag,
    summary: 'Ends a trial and takes back what it changed, one that was kept too',
    scope: 'operate',
    params: id,
    query: nothing,
    answer: shapes.trialHead,
    mediaTypes: JSON_ONLY,
    problems: ['AP_TRIAL_UNKNOWN', 'AP_TRIAL_ENDED', 'AP_JOURNAL_UNAVAILABLE', 'AP_DATABASE_UNREACHABLE', ...CHANGES],
  },
};
