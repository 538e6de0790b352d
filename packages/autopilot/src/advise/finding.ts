import type { DatabaseFinding } from '../contract/database.ts';

/** The worst first, then by subject. */
export function worstFirst(findings: readonly DatabaseFinding[]): readonly DatabaseFinding[] {
  const rank = { critical: 0, warning: 1, info: 2 } as const;
  return [...findings].sort(
    (a, b) => rank[a.severity] - rank[b.severity] || a.kind.localeCompare(b.kind) || a.subject.localeCompare(b.subject),
  );
}

/** A name as SQL takes it. */
export function quoted(...names: readonly string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

/** 12.3 MB, for sentences. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** 34 %, for sentences. */
export function percentText(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(2))} %`;
}

/** 1,234,567, for sentences. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** 3.4 s, 5 min, 2 days, for sentences. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toPrecision(2))} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}
