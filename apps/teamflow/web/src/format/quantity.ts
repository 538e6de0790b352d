const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

function short(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

/** Bytes in the unit that leaves one to three digits: "4.2 MB". */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${short(unit === 0 ? Math.round(value) : value)} ${units[unit]}`;
}

/** A span: "8.2 ms", "740 ms", "1.5 s", "12 min". */
export function spanText(ms: number): string {
  if (ms < 999.5) return `${short(ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms))} ms`;
  if (ms < 119_950) return `${short(ms / 1000)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** A share of the whole: "12 %", "0.3 %". */
export function shareText(part: number, whole: number): string {
  if (whole <= 0) return '–';
  const percent = (part / whole) * 100;
  return `${percent > 0 && percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}
