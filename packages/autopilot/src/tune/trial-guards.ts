import type { TuningCategory } from '../contract/tuning.ts';
import type { Guard } from './orders.ts';

/** What is known before a trial is begun; null: not known, and not held against it. */
export interface TrialFacts {
  /** `person`: somebody applies this one; `auto-tune`: somebody asked for whatever is worth it; `autopilot`: nobody asked. */
  readonly origin: 'person' | 'auto-tune' | 'autopilot';
  readonly mode: string;
  /** Why nothing is begun by itself; null: it may be. */
  readonly stopped: string | null;
  /** The subject of the trial that is open in its scope. */
  readonly openInScope: string | null;
  /** ms since a trial of the same was taken back. */
  readonly sinceRevertMs: number | null;
  readonly changesToday: number;
  /** UTC. */
  readonly minuteOfDay: number;
  /** Of the service's processes, over the last 30 minutes. */
  readonly busyRatio: number | null;
  /** Of the last 30 minutes, in which something waited for the disks of the database; null also where they are on another machine. */
  readonly ioRatio: number | null;
  /** What fails in the service just now; null: nothing does. */
  readonly incident: string | null;
  /** Why the role may not make the change; null: it may. */
  readonly lacksRight: string | null;
  /** Why its values may not be tried by anybody; null: they may. */
  readonly outOfBounds: string | null;
  readonly isStandby: boolean;
  readonly lagSeconds: number | null;
  readonly oldestTransactionSeconds: number | null;
  readonly needsBytes: number;
  readonly freeBytes: number | null;
  readonly diskBytes: number | null;
}

/** What guards go by. */
export interface TrialLimits {
  readonly changesPerDay: number;
  readonly coolDownMs: number;
  readonly maxBusyRatio: number;
  readonly window: string;
}

/** A standby that is so far behind would be further behind after a build. */
const MOST_LAG_S = 60;
/** A build beside the traffic waits for every older transaction. */
const OLDEST_TRANSACTION_S = 600;
const FULL_RATIO = 0.9;

type TrialGuard = (facts: TrialFacts, limits: TrialLimits) => string | null;

/** By name. Those of the first half hold for what nobody asked for; those of the second for everybody. */
const guards: Readonly<Record<string, TrialGuard>> = {
  mode: ({ origin, mode }) =>
    mode === 'off'
      ? 'this category is off.'
      : (origin === 'autopilot' && mode !== 'automatic') || (origin === 'auto-tune' && mode === 'recommend')
        ? `this category is in the mode "${mode}", in which somebody has to ${mode === 'ask' ? 'ask for it' : 'apply it by its id'}.`
        : null,
  'kill switch': ({ origin, stopped }) => (origin === 'autopilot' ? stopped : null),
  budget: ({ origin, changesToday }, { changesPerDay }) =>
    origin === 'autopilot' && changesToday >= changesPerDay
      ? `${changesToday} trials were begun in the last 24 hours, of at most ${changesPerDay}.`
      : null,
  'cool-down': ({ origin, sinceRevertMs }, { coolDownMs }) =>
    origin === 'autopilot' && sinceRevertMs !== null && sinceRevertMs < coolDownMs
      ? `it was taken back ${Math.round(sinceRevertMs / 60_000)} minutes ago; it is tried again after ${Math.round(coolDownMs / 60_000)}.`
      : null,
  window: ({ origin, minuteOfDay }, { window }) =>
    origin === 'autopilot' && !isWithin(minuteOfDay, window) ? `it is not within ${window} UTC.` : null,
  load: ({ origin, busyRatio }, { maxBusyRatio }) =>
    origin === 'autopilot' && busyRatio !== null && maxBusyRatio < 1 && busyRatio > maxBusyRatio
      ? `the service's processes were ${percent(busyRatio)} busy in the last 30 minutes, over ${percent(maxBusyRatio)}.`
      : null,
  'disk load': ({ origin, ioRatio }, { maxBusyRatio }) =>
    origin === 'autopilot' && ioRatio !== null && maxBusyRatio < 1 && ioRatio > maxBusyRatio
      ? `in ${percent(ioRatio)} of the last 30 minutes something waited for the disks, over ${percent(maxBusyRatio)}.`
      : null,
  incident: ({ origin, incident }) => (origin === 'person' ? null : incident),
  scope: ({ openInScope }) =>
    openInScope === null ? null : `a trial of ${openInScope} is open; two at once could not be told apart.`,
  rights: ({ lacksRight }) => lacksRight,
  bounds: ({ outOfBounds }) => outOfBounds,
  standby: ({ isStandby }) => (isStandby ? 'the server is a standby and takes no changes.' : null),
  'replication lag': ({ lagSeconds }) =>
    lagSeconds !== null && lagSeconds > MOST_LAG_S
      ? `a standby is ${Math.round(lagSeconds)} s behind, over ${MOST_LAG_S} s.`
      : null,
  'long transaction': ({ oldestTransactionSeconds }) =>
    oldestTransactionSeconds !== null && oldestTransactionSeconds > OLDEST_TRANSACTION_S
      ? `a transaction is open since ${Math.round(oldestTransactionSeconds)} s, and a build would wait for it.`
      : null,
  disk: ({ needsBytes, freeBytes, diskBytes }) => {
    if (freeBytes === null || diskBytes === null || needsBytes === 0) return null;
    if (freeBytes < 2 * needsBytes)
      return `${megabytes(freeBytes)} are free, and twice ${megabytes(needsBytes)} needed.`;
    const full = 1 - (freeBytes - needsBytes) / diskBytes;
    return full > FULL_RATIO ? `the disk would be ${percent(full)} full, over ${percent(FULL_RATIO)}.` : null;
  },
};

/** Every guard that says no, by name and with its numbers. */
export function refusalsOf(facts: TrialFacts, limits: TrialLimits): readonly string[] {
  return Object.entries(guards).flatMap(([name, guard]) => {
    const reason = guard(facts, limits);
    return reason === null ? [] : [`${name}: ${reason}`];
  });
}

/** Of the kinds of changes that are tried. */
const categories: Readonly<Record<string, TuningCategory>> = {
  indexes: 'indexes',
  'server-settings': 'settings',
  'table-options': 'tables',
};

/**
 * Asks again when the change is made: the time before it may have taken hours, and somebody may have switched the category off
 * meanwhile, or the window have closed.
 */
export function trialGuard(
  limitsOf: (service: string) => Readonly<Record<TuningCategory, string>> & { readonly window: string },
  minuteOfDay: () => number,
): Guard {
  return {
    name: 'trial',
    check: ({ kind, service, origin }) => {
      const limits = limitsOf(service);
      const category = categories[kind];
      if (category === undefined) return Promise.resolve({ ok: true });
      const [mode, { window }] = [limits[category], limits];
      const isClosed = origin === 'autopilot' && !isWithin(minuteOfDay(), window);
      if (mode === 'off' || (origin === 'autopilot' && mode !== 'automatic')) {
        return Promise.resolve({ ok: false, reason: `this category is in the mode "${mode}" by now.` });
      }
      return Promise.resolve(
        isClosed ? { ok: false, reason: `it is not within ${window} UTC any more.` } : { ok: true },
      );
    },
  };
}

/** A window that can't be read lets nothing in: whoever wrote it wanted a limit. */
function isWithin(minute: number, window: string): boolean {
  if (window === '') return true;
  const [, fromHour, fromMinute, toHour, toMinute] = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(window)?.map(Number) ?? [];
  if (fromHour === undefined || fromMinute === undefined || toHour === undefined || toMinute === undefined)
    return false;
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(0)} %`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
