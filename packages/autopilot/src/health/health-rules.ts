import type { Settings } from '../config/registry.ts';
import type { Measure } from '../contract/measures.ts';

/** What a rule judges: a measure, or a part of one: (measure - less) / over. */
export interface JudgedValue {
  readonly measure: Measure;
  readonly less?: Measure;
  readonly over?: Measure;
}

/**
 * How many points a value costs:
 *
 *   points = most x clamp((value - limit) / (worst - limit), 0, 1)
 *
 * linear from `limit`, where nothing is lost, to `worst`, where all is. With `worst` under `limit` low values are bad.
 */
export interface HealthRule {
  readonly value: JudgedValue;
  /** How the value reads in a sentence. */
  readonly as: 'ms' | 'percent' | 'number';
  readonly limit: number;
  readonly worst: number;
  readonly most: number;
  /** Observations under which the value says nothing; the component then notes it. */
  readonly leastObservations: number;
  /** The sentence; {value} and {limit} are put in. */
  readonly reason: string;
  /** The part of the dashboard that shows it. */
  readonly link: string;
  /** Where the limit comes from. */
  readonly source: string;
}

/** The families that a component's rules are about, with what counts as an observation. */
export interface ComponentRules {
  readonly name: 'traffic' | 'runtime' | 'database';
  /** What confidence counts, and how much of it is enough for full confidence. */
  readonly observations: { readonly word: string; readonly enough: number };
  readonly rules: readonly HealthRule[];
}

/** The time a score is about. */
export const HEALTH_WINDOW_MS = 60_000;

/** The limits that a service may set for itself. */
export type HealthSettings = Settings['health'];

/**
 * Every limit, in one place. They are judgements: where a document names a number it is given, where none does the
 * reasoning is; `source` speaks of the default. A service with other needs than an interactive web application sets
 * those that are settings.
 */
export const trafficRules = (set: HealthSettings): ComponentRules => ({
  name: 'traffic',
  observations: { word: 'requests', enough: 100 },
  rules: [
    {
      value: { measure: 'errorRatio' },
      as: 'percent',
      limit: set.errorRatio,
      worst: 50 * set.errorRatio,
      most: 60,
      leastObservations: 1,
      reason: '{value} of the requests failed with 500 or more; up to {limit} costs nothing.',
      link: '/autopilot/#routes',
      source:
        'An availability objective of 99.9 % (Google, Site Reliability Workbook, chapter 2); at 5 % one in twenty users is turned away.',
    },
    {
      value: { measure: 'p95Ms' },
      as: 'ms',
      limit: set.p95Ms,
      worst: 4 * set.p95Ms,
      most: 25,
      leastObservations: 20,
      reason: 'One request in twenty takes {value} or longer; up to {limit} costs nothing.',
      link: '/autopilot/#latency',
      source: 'Apdex 1.1 with T = 500 ms, as the measure apdex has it: satisfied up to T, frustrated over 4T.',
    },
    {
      value: { measure: 'p99Ms' },
      as: 'ms',
      limit: set.p99Ms,
      worst: 5 * set.p99Ms,
      most: 15,
      leastObservations: 100,
      reason: 'One request in a hundred takes {value} or longer; up to {limit} costs nothing.',
      link: '/autopilot/#latency',
      source:
        'Nielsen, Usability Engineering, chapter 5: thought flows on up to 1 s and attention is lost by 10 s; half of that for a server that is a part of the wait.',
    },
    {
      value: { measure: 'apdex' },
      as: 'number',
      limit: 0.94,
      worst: 0.5,
      most: 25,
      leastObservations: 20,
      reason: 'Apdex is {value}; from {limit} on it costs nothing.',
      link: '/autopilot/#routes',
      source: 'Apdex 1.1, section 5: 0.94 and up is excellent, under 0.50 unacceptable.',
    },
  ],
});

/** Judged for each live instance by itself, because one blocked process of four disappears in their mean. */
export const runtimeRules = (set: HealthSettings): ComponentRules => ({
  name: 'runtime',
  observations: { word: 'seconds reported', enough: 30 },
  rules: [
    {
      value: { measure: 'eventLoopDelayP99Ms' },
      as: 'ms',
      limit: set.eventLoopDelayMs,
      worst: 10 * set.eventLoopDelayMs,
      most: 35,
      leastObservations: 1,
      reason:
        '{instance}: one callback in a hundred waits {value} or longer for the event loop; up to {limit} costs nothing.',
      link: '/autopilot/#event-loop',
      source:
        'web.dev, "Measure performance with the RAIL model": work in pieces of 50 ms leaves an answer within 100 ms possible.',
    },
    {
      value: { measure: 'eventLoopUtilization' },
      as: 'percent',
      limit: 0.8,
      worst: 1,
      most: 30,
      leastObservations: 1,
      reason: '{instance}: its event loop is busy {value} of the time; up to {limit} costs nothing.',
      link: '/autopilot/#event-loop',
      source:
        'One server with random arrivals (M/M/1): time in the system is service time / (1 - utilization), five times as long at 80 %.',
    },
    {
      value: { measure: 'heapUsedBytes', over: 'heapLimitBytes' },
      as: 'percent',
      limit: 0.8,
      worst: 0.97,
      most: 40,
      leastObservations: 1,
      reason:
        '{instance}: its JavaScript heap fills {value} of what it may; up to {limit} costs nothing. At 100 % the process ends.',
      link: '/autopilot/#memory',
      source:
        'Our reasoning: V8 collects ever more often close to --max-old-space-size, and a fifth is what a burst may need.',
    },
    {
      value: { measure: 'gcBusy' },
      as: 'percent',
      limit: 0.1,
      worst: 0.4,
      most: 20,
      leastObservations: 1,
      reason: '{instance}: garbage collection takes {value} of the time; up to {limit} costs nothing.',
      link: '/autopilot/#cpu',
      source: 'Our reasoning: pauses of a tenth of the time lengthen every request by a tenth on average.',
    },
    {
      value: { measure: 'cpuBusy' },
      as: 'number',
      limit: 1,
      worst: 2,
      most: 10,
      leastObservations: 1,
      reason:
        '{instance}: the process keeps {value} cores busy; up to {limit}, all that its event loop can use, costs nothing.',
      link: '/autopilot/#cpu',
      source:
        'JavaScript runs on one thread; more than a core is collection, compression and hashing on other threads, which the next process misses.',
    },
  ],
});

/** Points for an instance that does not speak, by how long it has been silent; see InstanceStatus. */
export const silence: Omit<HealthRule, 'value' | 'leastObservations'> & { readonly measure: string } = {
  measure: 'silentMs',
  as: 'ms',
  limit: 2500,
  worst: 10_000,
  most: 80,
  reason: '{instance} has been silent for {value}: its event loop is blocked. Up to {limit} costs nothing.',
  link: '/autopilot/#instances',
  source: 'Windows come once a second; two may be late.',
};

/** Points for instances whose link broke within the health window though they did not close in order. */
export const lostInstances: {
  readonly measure: string;
  readonly each: number;
  readonly most: number;
  readonly link: string;
} = {
  measure: 'lostInstances',
  each: 40,
  most: 80,
  link: '/autopilot/#instances',
};

/** As the application sees its databases. */
export const databaseRules = (set: HealthSettings): ComponentRules => ({
  name: 'database',
  observations: { word: 'calls', enough: 50 },
  rules: [
    {
      value: { measure: 'callErrorRatio' },
      as: 'percent',
      limit: set.callErrorRatio,
      worst: 50 * set.callErrorRatio,
      most: 60,
      leastObservations: 1,
      reason: '{value} of the database calls failed; up to {limit} costs nothing.',
      link: '/autopilot/#queries',
      source: 'The same objective as for requests, which fail with their calls.',
    },
  ],
});

/** Judged for each pool of the application, all instances together. */
export const poolRules = (set: HealthSettings): readonly HealthRule[] => [
  {
    value: { measure: 'poolWaitP95Ms' },
    as: 'ms',
    limit: set.poolWaitMs,
    worst: 50 * set.poolWaitMs,
    most: 30,
    leastObservations: 20,
    reason: 'Pool {pool}: one caller in twenty waits {value} or longer for a connection; up to {limit} costs nothing.',
    link: '/autopilot/#pools',
    source:
      'Our reasoning: opening a connection takes a few ms, which is no queue; at 500 ms the wait alone uses up the T of Apdex.',
  },
  {
    value: { measure: 'poolFailed', over: 'poolAcquired' },
    as: 'percent',
    limit: 0,
    worst: 0.05,
    most: 60,
    leastObservations: 0,
    reason: 'Pool {pool}: for {value} as many callers as got a connection, none was to be had; any costs.',
    link: '/autopilot/#pools',
    source: 'Each is an error that somebody saw.',
  },
  {
    value: { measure: 'poolWaiting' },
    as: 'number',
    limit: 0.5,
    worst: 10,
    most: 20,
    leastObservations: 0,
    reason: 'Pool {pool}: {value} callers wait for a connection on average; up to {limit} costs nothing.',
    link: '/autopilot/#pools',
    source:
      "Little's law: callers waiting = arrivals a second x their wait; half a caller is a queue half of the time.",
  },
  {
    value: { measure: 'poolSize', less: 'poolIdle', over: 'poolMax' },
    as: 'percent',
    limit: 0.9,
    worst: 1,
    most: 15,
    leastObservations: 0,
    reason: 'Pool {pool}: {value} of the connections it may open are in use; up to {limit} costs nothing.',
    link: '/autopilot/#pools',
    source: 'Our reasoning: a pool in full use is exhausted by the next caller.',
  },
];
