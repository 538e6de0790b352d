import type { MeasureDefinition } from './measures.ts';

/** What can be asked about compression. */
export type CompressionMeasure =
  | 'compressionAnswers'
  | 'compressionBytesIn'
  | 'compressionBytesOut'
  | 'compressionInRate'
  | 'compressionOutRate'
  | 'compressionCpuMs'
  | 'compressionBusy'
  | 'compressionAddedP50Ms'
  | 'compressionAddedP95Ms';

/** The measures of the family `compression`. */
export const compressionMeasures: Readonly<Record<CompressionMeasure, MeasureDefinition>> = {
  compressionAnswers: {
    families: ['compression'],
    unit: 'answers',
    description: 'Answers with content',
    formula: { kind: 'total', field: 'answers' },
  },
  compressionBytesIn: {
    families: ['compression'],
    unit: 'bytes',
    description: 'Bytes of bodies before compression',
    formula: { kind: 'total', field: 'bytesIn' },
  },
  compressionBytesOut: {
    families: ['compression'],
    unit: 'bytes',
    description: 'Bytes of bodies after compression',
    formula: { kind: 'total', field: 'bytesOut' },
  },
  compressionInRate: {
    families: ['compression'],
    unit: 'bytes/s',
    description: 'Bytes of bodies a second before compression',
    formula: { kind: 'rate', field: 'bytesIn' },
  },
  compressionOutRate: {
    families: ['compression'],
    unit: 'bytes/s',
    description: 'Bytes of bodies a second after compression',
    formula: { kind: 'rate', field: 'bytesOut' },
  },
  compressionCpuMs: {
    families: ['compression'],
    unit: 'ms',
    description: 'CPU time of compression',
    formula: { kind: 'total', field: 'cpuMs' },
  },
  compressionBusy: {
    families: ['compression'],
    unit: 'cores',
    description: 'Cores that compression kept busy',
    formula: { kind: 'busy', fields: ['cpuMs'] },
  },
  compressionAddedP50Ms: {
    families: ['compression'],
    unit: 'ms',
    description: 'Median wait of answers for their compression',
    formula: { kind: 'quantile', field: 'addedMs', q: 0.5 },
  },
  compressionAddedP95Ms: {
    families: ['compression'],
    unit: 'ms',
    description: 'Wait for their compression that 95 % of answers stay under',
    formula: { kind: 'quantile', field: 'addedMs', q: 0.95 },
  },
};
