import type { BenchFindings, BenchOptions } from '../result.ts';
import { measureAnswers } from './answers.ts';
import { measureDay } from './disk.ts';
import type { Findings } from './findings.ts';
import { measureFleet } from './fleet.ts';
import { measureFlushes } from './flushes.ts';
import { measureFormats } from './formats.ts';

/**
 * What history in PostgreSQL costs: a flush, a day on disk, an answer. Windows are generated, not served; time is simulated; they go the
 * way of all windows, through append and compact. The server is the embedded one, with its usual settings.
 */
export async function run(options: BenchOptions): Promise<BenchFindings> {
  const findings: Findings = { rows: [], goals: [], notes: [] };
  const started = performance.now();
  for (const part of [measureFlushes, measureDay, measureAnswers, measureFleet, measureFormats]) {
    await part(findings, options);
    options.log(`${((performance.now() - started) / 1000).toFixed(0)} s so far`);
  }
  findings.notes.push(
    'Embedded PostgreSQL 18 on the machine of the benchmark, over a unix socket, shared_buffers 256 MB; flushes and the fleet with fsync, the rest without.',
    '200 series: 70 routes, 30 tenants, 98 statements, a pool and the process at 200 requests a second, by Zipf; busier ones have wider histograms (2,000 a second: half as much again).',
    'Windows are generated and time is simulated; they go through append and compact as all do. A day on disk is of windows of 10 s, each unlike the others. For the answers, what is older than two hours is made of fewer and longer windows that merge to the same: in the last day one a minute of each of 4 instances, and of five of the 50 in turn (windows of 10 s in the last 20 minutes); before, each hour has one, of another instance each time.',
    'Naive: a row a series and window with an index by service, family and time, as jsonb (summed by the server) or with the histogram as bytes (merged by the reader); for 90 days rows of hours, which nobody has who stores windows only. In turn with the store; "times as much" is the ratio of the medians.',
    'While others write: a thread hands in the windows of 200 series of that many instances, spread over 10 s.',
  );
  if (options.quick)
    findings.notes.push('Quick: less history, days and 50 instances left out, sizes extrapolated from 4 hours.');
  return findings;
}
