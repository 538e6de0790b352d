import type { Operation } from './operations.ts';
import { name, optional, service } from './operations-parameters.ts';
import { PROFILE_SECONDS, type Profile, type ProfileKind, type ProfileList } from './profile.ts';
import type { ObjectShape, ShapeOf } from './shape.ts';

/** Parameters of POST /performance/profiles. */
export interface StartProfileQuery {
  readonly service?: string;
  /** Default: the only live one. */
  readonly instance?: string;
  /** Default `cpu`. */
  readonly kind?: ProfileKind;
  /** 1 to 60; default 10. */
  readonly seconds?: number;
}

/** Parameters of GET /performance/profiles. */
export interface ProfilesQuery {
  readonly service?: string;
}

/** The types of the calls under /performance/profiles, by operationId. */
export interface ProfileOperationTypes {
  readonly startProfile: { readonly query: StartProfileQuery; readonly answer: Profile };
  readonly listProfiles: { readonly query: ProfilesQuery; readonly answer: ProfileList };
  readonly getProfile: { readonly query: object; readonly answer: Profile };
}

/** Names a call under /performance/profiles. */
export type ProfileOperationId = keyof ProfileOperationTypes;

const text = { kind: 'string' } as const;
const number = { kind: 'number' } as const;
const profileKind = { kind: 'string', values: ['cpu', 'allocation'] } as const;

const profile: ShapeOf<Profile> & ObjectShape = {
  kind: 'object',
  name: 'Profile',
  fields: {
    id: text,
    service: text,
    instance: text,
    kind: profileKind,
    durationMs: { kind: 'integer', min: 0, unit: 'ms' },
    state: { kind: 'string', values: ['running', 'done', 'failed'] },
    reason: { kind: 'nullable', of: text },
    startedAt: { kind: 'string', format: 'time' },
    startedBy: text,
    tree: {
      kind: 'nullable',
      of: {
        kind: 'object',
        name: 'ProfileTree',
        fields: {
          frames: {
            kind: 'array',
            of: { kind: 'object', fields: { name: text, file: text, line: { kind: 'integer', min: 0 } } },
          },
          nodes: {
            kind: 'array',
            of: { kind: 'array', of: number },
            description: 'Frame, parent (-1: none), and self in ms or bytes; parents first',
          },
          total: { kind: 'number', min: 0 },
          samples: { kind: 'integer', min: 0 },
          notes: { kind: 'array', of: text },
        },
      },
    },
  },
};

/** Every call under /performance/profiles. */
export const profileOperations: {
  readonly [Id in ProfileOperationId]: Operation<
    ProfileOperationTypes[Id]['query'],
    ProfileOperationTypes[Id]['answer']
  >;
} = {
  startProfile: {
    method: 'POST',
    path: '/api/v1/performance/profiles',
    tag: 'Performance',
    summary: 'Profiles one instance for some seconds: where its processor time goes, or its memory, by route',
    description:
      'Answers 202 at once, with the address of the profile in `Location`; it is there when the seconds are over. An instance takes one at a time, and gives some of its speed for it as long as it lasts.',
    scope: 'operate',
    query: {
      kind: 'object',
      fields: {
        service,
        instance: optional(name('The instance; default: the only one that is live')),
        kind: optional({ ...profileKind, description: 'Processor time or memory; default cpu' } as const),
        seconds: optional({ kind: 'integer', ...PROFILE_SECONDS, description: 'How long; default 10' } as const),
      },
    },
    answer: profile,
    mediaTypes: ['application/json'],
    problems: ['AP_SERVICE_UNKNOWN', 'AP_INSTANCE_NOT_LINKED', 'AP_PROFILE_RUNNING', 'AP_CROSS_SITE'],
  },
  listProfiles: {
    method: 'GET',
    path: '/api/v1/performance/profiles',
    tag: 'Performance',
    summary: 'The latest profiles, without their calls; kept in memory, twenty at most',
    scope: 'read',
    query: { kind: 'object', fields: { service } },
    answer: {
      kind: 'object',
      name: 'ProfileList',
      fields: { service: text, profiles: { kind: 'array', of: profile } },
    },
    mediaTypes: ['application/json'],
    problems: ['AP_SERVICE_UNKNOWN'],
  },
  getProfile: {
    method: 'GET',
    path: '/api/v1/performance/profiles/{id}',
    tag: 'Performance',
    summary: 'One profile, as calls by route: what a flame graph draws',
    scope: 'read',
    params: {
      kind: 'object',
      fields: { id: { kind: 'string', maxLength: 64, description: 'The id of the profile' } },
    },
    query: { kind: 'object', fields: {} },
    answer: profile,
    mediaTypes: ['application/json'],
    problems: ['AP_PROFILE_UNKNOWN'],
  },
};
