import type { EpochMs } from '@teamflow/autopilot/contract';

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const clockToTheMinute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** The reader's own wall clock, hh:mm:ss. */
export function clockTime(at: EpochMs | string): string {
  return clock.format(typeof at === 'string' ? Date.parse(at) : at);
}

export function clockMinute(at: EpochMs): string {
  return clockToTheMinute.format(at);
}

/** A span in words, two units at most: "3.2 s", "4 min 10 s", "2 h 5 min", "3 d 4 h". */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const steps = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of steps) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || parts.length > 0) parts.push(`${count} ${unit}`);
    if (parts.length === 2) break;
  }
  return parts.filter((part) => !part.startsWith('0 ')).join(' ');
}

/** "minute" or "15 minutes". */
export function formatMinutes(minutes: number): string {
  return minutes === 1 ? 'minute' : `${minutes} minutes`;
}
