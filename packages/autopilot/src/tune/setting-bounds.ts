import { registry } from '../config/registry.ts';
import type { SettingValues } from '../contract/configuration.ts';
import type { NamedValue } from './values-actuator.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/**
 * What the autopilot may set, and from where to where; in bytes or as plain numbers. A value beyond is not tried, whoever advises it: the
 * server would take most of them, and some of those would harm before anybody had measured it.
 */
const bounds: Readonly<Record<string, readonly [low: number, high: number]>> = {
  // Each sort of each connection may take so much.
  work_mem: [MIB, 256 * MIB],
  effective_cache_size: [8 * MIB, 1024 * GIB],
  // Below the cost of a page in sequence it means nothing; 4 is a spinning disk.
  random_page_cost: [1, 8],
  max_wal_size: [80 * MIB, 256 * GIB],
  checkpoint_completion_target: [0.5, 0.95],
  autovacuum_vacuum_scale_factor: [0.001, 0.5],
  autovacuum_vacuum_insert_scale_factor: [0.001, 1],
};
const units: Readonly<Record<string, number>> = { '': 1, kB: KIB, MB: MIB, GB: GIB };

/** Why values may not be tried; null: they may. */
export function outOfBounds(values: readonly NamedValue[]): string | null {
  for (const { name, value } of values) {
    const range = Object.hasOwn(bounds, name) ? bounds[name] : undefined;
    if (range === undefined) return `${name} is nothing that the autopilot sets.`;
    const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(kB|MB|GB)?$/.exec(value ?? '') ?? [];
    const size = digits === '' ? Number.NaN : Number(digits) * (units[unit] ?? Number.NaN);
    const [low, high] = range;
    if (!(size >= low && size <= high)) {
      return `${name} = ${value ?? 'the default'} is beyond ${told(low)} to ${told(high)}.`;
    }
  }
  return null;
}

/** Why settings of an application may not be tried: each says itself from where to where it may be tuned; null: they may. */
export function settingsOutOfBounds(settings: SettingValues): string | null {
  for (const [key, value] of Object.entries(settings)) {
    const declared = registry.get(key);
    if (declared?.kind === 'choice') continue;
    const range = declared !== undefined && 'tuner' in declared ? declared.tuner : undefined;
    if (range === undefined) return `${key} is nothing that the autopilot sets.`;
    if (typeof value !== 'number' || value < range.min || value > range.max) {
      return `${key} = ${JSON.stringify(value)} is beyond ${range.min} to ${range.max}.`;
    }
  }
  return null;
}

function told(value: number): string {
  return value >= GIB ? `${value / GIB}GB` : value >= MIB ? `${value / MIB}MB` : String(value);
}
