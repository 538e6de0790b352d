/** How figures are written in reports and on the terminal. */

/** "12.3 ms", "1.20 s"; "-" where there is none. */
export function duration(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return '-';
  if (ms >= 60_000) return `${(ms / 60_000).toFixed(1)} min`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** "1,234" or "12.3". */
export function count(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

/** "0.12 %"; "-" where there is none. */
export function percentage(ratio: number | null): string {
  return ratio === null || !Number.isFinite(ratio) ? '-' : `${Number((100 * ratio).toPrecision(3))} %`;
}

/** "512 MB". */
export function megabytes(bytes: number | null): string {
  return bytes === null ? '-' : `${(bytes / 1e6).toFixed(0)} MB`;
}
