const dayMs = 86_400_000;
const shortDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const longDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** The reader's own day, as `2026-01-31`. */
export function today(now: Date = new Date()): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** The day that many days after another; before it, where negative. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);
}

/** A day as one speaks of it: "Today", "Tomorrow", "3 Mar", "3 Mar 2027". */
export function dayText(day: string, from: string = today()): string {
  const days = Math.round((Date.parse(day) - Date.parse(from)) / dayMs);
  if (days === 0) return 'Today';
  if (days === 1) return 'Tomorrow';
  if (days === -1) return 'Yesterday';
  return (day.slice(0, 4) === from.slice(0, 4) ? shortDay : longDay).format(Date.parse(day));
}

/** How long ago something was: "just now", "5 min ago", "3 h ago", "4 d ago", then its day. */
export function agoText(at: string, nowMs: number = Date.now()): string {
  const minutes = Math.floor((nowMs - Date.parse(at)) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  if (minutes < 14 * 24 * 60) return `${Math.floor(minutes / (24 * 60))} d ago`;
  return dayText(at.slice(0, 10), today(new Date(nowMs)));
}

/** Day and time in the reader's own time zone. */
export function momentText(at: string): string {
  return moment.format(Date.parse(at));
}
