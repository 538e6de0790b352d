import type { Change, Guard } from './orders.ts';

/** What decides whether maintenance may begin. */
export interface MaintenanceLimits {
  /** "08:00-18:00", UTC. */
  readonly protectedWindows: readonly string[];
  readonly maxActive: number;
}

/** Why nothing may begin now; null: it may. `active`: connections at work; null: not known, and not held against it. */
export function maintenanceRefusal(
  { protectedWindows, maxActive }: MaintenanceLimits,
  now: number,
  active: number | null,
): string | null {
  for (const window of protectedWindows) {
    const bounds = minutesOf(window);
    if (bounds === null) return `protected windows: "${window}" can not be read, so the whole day is protected.`;
    const minute = Math.floor(now / 60_000) % 1_440;
    const [from, to] = bounds;
    const isWithin = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
    if (isWithin) return `protected windows: it is within ${window} UTC.`;
  }
  if (active !== null && active > maxActive) {
    return `load: ${active} connections are at work on the server, over maintenance.maxActive (${maxActive}).`;
  }
  return null;
}

/** Keeps maintenance out of protected windows and busy times, whoever asks for it. */
export function maintenanceGuard(refusal: (change: Change) => Promise<string | null>): Guard {
  return {
    name: 'maintenance',
    check: async (change) => {
      const reason = change.kind === 'maintenance' ? await refusal(change) : null;
      return reason === null ? { ok: true } : { ok: false, reason };
    },
  };
}

/** Minutes of the day; null: it is no window. */
function minutesOf(window: string): readonly [from: number, to: number] | null {
  const found = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/.exec(window);
  if (found === null) return null;
  const [, fromHour, fromMinute, toHour, toMinute] = found.map(Number);
  return [(fromHour ?? 0) * 60 + (fromMinute ?? 0), (toHour ?? 0) * 60 + (toMinute ?? 0)];
}
