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

const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const fullDay = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
const DAY_MS = 86_400_000;

/** The label of a time axis whose ticks are so far apart: with seconds, without, or a day at its midnight and where days are all there is. */
export function axisTime(at: EpochMs, incrementMs: number): string {
  if (incrementMs < 60_000) return clockTime(at);
  const minute = clockToTheMinute.format(at);
  return incrementMs >= DAY_MS || minute === '00:00' ? dayAndMonth.format(at) : minute;
}

/** A time within a range of so many ms: the day is said where the range has more than one, seconds where there are few. */
export function momentText(at: EpochMs, rangeMs: number, now: EpochMs = Date.now()): string {
  const isToday = dayAndMonth.format(at) === dayAndMonth.format(now) && Math.abs(now - at) < 2 * DAY_MS;
  const time = rangeMs > DAY_MS / 4 ? clockToTheMinute.format(at) : clockTime(at);
  return isToday ? time : `${dayAndMonth.format(at)} ${time}`;
}

/** "14 Nov, 13:05 to 14:20": a range in one line, with its year where that is not the present one. */
export function rangeText(from: EpochMs, to: EpochMs, now: EpochMs = Date.now()): string {
  const year = (at: EpochMs): string =>
    (new Date(at).getFullYear() === new Date(now).getFullYear() ? dayAndMonth : fullDay).format(at);
  const time = (at: EpochMs): string => (to - from < 600_000 ? clockTime(at) : clockToTheMinute.format(at));
  const sameDay = fullDay.format(from) === fullDay.format(to);
  return sameDay
    ? `${year(from)}, ${time(from)} to ${time(to)}`
    : `${year(from)}, ${time(from)} to ${year(to)}, ${time(to)}`;
}

/** The same sentence with its RFC 3339 times as the reader's own clock has them. */
export function withLocalTimes(sentence: string): string {
  return sentence.replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, (time) => {
    const at = Date.parse(time);
    return `${fullDay.format(at)}, ${clockTime(at)}`;
  });
}

/** A time as the value of <input type="datetime-local">: the reader's own clock, to the second. */
export function localInput(at: EpochMs): string {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
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
