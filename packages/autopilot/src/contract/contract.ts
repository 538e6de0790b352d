/** The domain and wire types of the autopilot: safe in a browser, without validators. */
export type { EpochMs } from '../kernel/clock.ts';
export * from './access.ts';
export * from './access-operations.ts';
export * from './configuration.ts';
export * from './configuration-operations.ts';
export * from './error-table.ts';
export * from './frame.ts';
export * from './measures.ts';
export * from './metrics.ts';
export * from './openapi.ts';
export * from './operations.ts';
export * from './performance.ts';
export * from './principal.ts';
export * from './resource-queries.ts';
export * from './resources.ts';
export * from './series.ts';
export * from './shape.ts';
