import type { MeasureDefinition } from './measures.ts';

/** What can be asked about pools of connections. */
export type PoolMeasure =
  | 'poolSize'
  | 'poolIdle'
  | 'poolWaiting'
  | 'poolMax'
  | 'poolWaitP95Ms'
  | 'poolWaitMaxMs'
  | 'poolWaitMeanMs'
  | 'poolUseMeanMs'
  | 'poolUseVariation'
  | 'poolAcquireRate'
  | 'poolAcquired'
  | 'poolFailed'
  | 'poolOpened'
  | 'poolClosed'
  | 'poolAgeMs'
  | 'poolAgeMaxMs'
  | 'poolLeaked';

/** The measures of the family `pool`. */
export const poolMeasures: Readonly<Record<PoolMeasure, MeasureDefinition>> = {
  poolSize: {
    families: ['pool'],
    unit: 'connections',
    description: 'Open connections',
    formula: { kind: 'level', field: 'size' },
  },
  poolIdle: {
    families: ['pool'],
    unit: 'connections',
    description: 'Idle connections',
    formula: { kind: 'level', field: 'idle' },
  },
  poolWaiting: {
    families: ['pool'],
    unit: 'requests',
    description: 'Callers waiting for a connection',
    formula: { kind: 'level', field: 'waiting' },
  },
  poolMax: {
    families: ['pool'],
    unit: 'connections',
    description: 'Most connections allowed',
    formula: { kind: 'level', field: 'max' },
  },
  poolWaitP95Ms: {
    families: ['pool'],
    unit: 'ms',
    description: 'Wait for a connection 95 % stay under',
    formula: { kind: 'quantile', field: 'waitMs', q: 0.95 },
  },
  poolWaitMaxMs: {
    families: ['pool'],
    unit: 'ms',
    description: 'Longest wait for a connection',
    formula: { kind: 'max', field: 'waitMs' },
  },
  poolWaitMeanMs: {
    families: ['pool'],
    unit: 'ms',
    description: 'Mean wait for a connection',
    formula: { kind: 'mean', field: 'waitMs' },
  },
  poolUseMeanMs: {
    families: ['pool'],
    unit: 'ms',
    description: 'Mean time a caller keeps a connection',
    formula: { kind: 'mean', field: 'useMs' },
  },
  poolUseVariation: {
    families: ['pool'],
    unit: '1',
    description: 'Squared coefficient of variation of the time a caller keeps a connection',
    formula: { kind: 'variation', field: 'useMs' },
  },
  poolAcquireRate: {
    families: ['pool'],
    unit: 'connections/s',
    description: 'Connections handed out a second',
    formula: { kind: 'rate', field: 'acquired' },
  },
  poolAcquired: {
    families: ['pool'],
    unit: 'connections',
    description: 'Connections handed out',
    formula: { kind: 'total', field: 'acquired' },
  },
  poolFailed: {
    families: ['pool'],
    unit: 'connections',
    description: 'Callers that got no connection',
    formula: { kind: 'total', field: 'failed' },
  },
  poolOpened: {
    families: ['pool'],
    unit: 'connections',
    description: 'Connections opened',
    formula: { kind: 'total', field: 'opened' },
  },
  poolClosed: {
    families: ['pool'],
    unit: 'connections',
    description: 'Connections closed',
    formula: { kind: 'total', field: 'closed' },
  },
  poolAgeMs: {
    families: ['pool'],
    unit: 'ms',
    description: 'Mean age of open connections',
    formula: { kind: 'mean', field: 'ageMs' },
  },
  poolAgeMaxMs: {
    families: ['pool'],
    unit: 'ms',
    description: 'Age of the oldest connection',
    formula: { kind: 'max', field: 'ageMs' },
  },
  poolLeaked: {
    families: ['pool'],
    unit: 'connections',
    description: 'Connections taken by requests that have ended, and never given back',
    formula: { kind: 'level', field: 'leaked' },
  },
};
