import { runLoadTest } from '@teamflow/autopilot/load';
import { planFor, startSlowServer } from '../load-verdicts/start-slow-server.ts';
import type { BenchFindings, BenchOptions, BenchRow } from '../result.ts';

/** Whether the knee of a queue whose capacity is known is found, unattended. */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rows: BenchRow[] = [];
  let worst = 0;
  let slowest = 0;
  let unfound = 0;
  for (const serviceMs of quick ? [8] : [20, 8, 3]) {
    const capacity = 1000 / serviceMs;
    log(`load-knee: the knee of a queue that can do ${capacity.toFixed(0)} a second`);
    await using server = await startSlowServer('queue', String(serviceMs));
    const load = {
      kind: 'arrivals',
      users: 200,
      stages: [{ durationMs: 10_000, ratePerSecond: capacity / 6 }],
    } as const;
    const { stress } = await runLoadTest('stress', planFor(server.url, load), quick ? { stepMs: 5000 } : {});
    const knee = stress?.knee ?? null;
    const off = knee === null ? Number.NaN : knee / capacity - 1;
    if (stress?.state !== 'found') unfound++;
    worst = Math.max(worst, Number.isNaN(off) ? 1 : Math.abs(off));
    slowest = Math.max(slowest, stress?.tookMs ?? Number.POSITIVE_INFINITY);
    rows.push({
      case: `knee of a queue, ${serviceMs} ms a request`,
      'capacity/s': capacity,
      'knee/s': knee,
      'off by %': 100 * off,
      levels: stress?.steps.length ?? 0,
      'took s': (stress?.tookMs ?? 0) / 1000,
    });
  }
  return {
    rows,
    goals: [
      {
        goal: 'the knee of a queue with a known capacity within 5 %, unattended, in under 5 minutes',
        measured: `off by ${(100 * worst).toFixed(1)} % at most, ${(slowest / 1000).toFixed(0)} s at most${unfound === 0 ? '' : `, ${unfound} not found`}`,
        met: worst <= 0.05 && slowest < 300_000 && unfound === 0,
      },
    ],
    notes: [
      'The queue serves one request every so many ms by a clock, so its capacity is exact; arrivals come evenly, so its knee is its capacity.',
    ],
  };
}
