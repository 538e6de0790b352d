/** How long a schedule lasts; every run of the correctness part lasts as long. */
export const scheduleMs = 10_000;

/** What a server did, by its own clock, from its first request on. */
export interface ServerReport {
  readonly stalls: readonly { readonly fromMs: number; readonly untilMs: number }[];
  /** How long each request was kept, where it was kept on purpose; in ms. */
  readonly delays: readonly number[];
  readonly requests: number;
  /** CPU time a request. */
  readonly serviceMs: number;
  readonly rssBytes: number;
}

/**
 * What users would have felt who come evenly, `rate` a second, to a server that stands still at these times: a queue, first
 * come first served, with the service time that the server measured. No generator has a part in it.
 */
export function stallTruthMs(report: ServerReport, rate: number, q: number): number {
  const waits: number[] = [];
  let freeMs = 0;
  const stalls = report.stalls.toSorted((a, b) => a.fromMs - b.fromMs);
  for (let arrival = 0; arrival < (rate * scheduleMs) / 1000; arrival++) {
    const dueMs = (arrival * 1000) / rate;
    let beginMs = Math.max(dueMs, freeMs);
    for (const { fromMs, untilMs } of stalls) if (beginMs >= fromMs && beginMs < untilMs) beginMs = untilMs;
    freeMs = beginMs + report.serviceMs;
    waits.push(freeMs - dueMs);
  }
  return quantile(waits, q);
}

/** The same for a server that answers ever later, and never makes one request wait for another: what it did to each. */
export function rampTruthMs(report: ServerReport, q: number): number {
  return quantile(report.delays, q) + report.serviceMs;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
