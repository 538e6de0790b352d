import { type BenchOptions, median } from '../result.ts';
import { type Findings, quantile, TWO_HUNDRED, timed } from './findings.ts';
import { NaiveStore, naiveForms } from './naive.ts';
import { HOUR, Simulation } from './simulation.ts';
import { Workload } from './workload.ts';

const BIGGEST = { route: 500, tenant: 1000, statement: 3498 };

/** Flushes of one window each, the naive forms in turn with the store's; what the agent's process pays is its CPU time. */
export async function measureFlushes(findings: Findings, { quick, log }: BenchOptions): Promise<void> {
  await using simulation = await Simulation.open({ durable: true });
  const naive = new NaiveStore(simulation);
  await naive.create();
  for (const mix of [TWO_HUNDRED, { route: 300, tenant: 200, statement: 498 }, BIGGEST]) {
    const workload = new Workload(mix, 2000, 1);
    const series = workload.seriesCount;
    log(`flushes of ${series} series`);
    const origin = { service: `flush-${series}`, instance: 'a', release: '1.0.0' };
    const wall: number[] = [];
    const cpu: number[] = [];
    const others = new Map(Object.keys(naiveForms).map((form) => [form, [] as number[]]));
    const rounds = quick ? 20 : 40;
    let first = 0;
    let walBytes = 0;
    for (let round = -10; round < rounds; round++) {
      const window = workload.window(simulation.now - HOUR + round * 10_000, 10_000);
      const walFrom = await simulation.walPosition();
      const cpuBefore = process.cpuUsage();
      const took = await timed(() => simulation.store.append(origin, [window]));
      const { user, system } = process.cpuUsage(cpuBefore);
      if (round === -10) first = took;
      const walTo = await simulation.walPosition();
      for (const form of ['jsonb rows', 'histogram rows'] as const) {
        const ms = await timed(() => naive.append(form, origin, window));
        if (round >= 0) others.get(form)?.push(ms);
      }
      if (round < 0) continue;
      wall.push(took);
      cpu.push((user + system) / 1000);
      walBytes += walTo - walFrom;
    }
    const name = `flush of ${series} series`;
    findings.rows.push(
      { figure: name, value: median(wall), p95: quantile(wall, 0.95), unit: 'ms' },
      { figure: `${name}, CPU of the agent`, value: median(cpu), p95: quantile(cpu, 0.95), unit: 'ms' },
      { figure: `${name}, the first (with all names)`, value: first, unit: 'ms' },
      { figure: `${name}, WAL`, value: walBytes / rounds / 1000, unit: 'KB' },
      ...[...others].map(([form, times]) => ({
        figure: `${name}, naive ${form}`,
        value: median(times),
        p95: quantile(times, 0.95),
        unit: 'ms',
        'times as much': median(times) / median(wall),
      })),
    );
    if (mix === BIGGEST) {
      findings.goals.push({
        goal: '5,000 series a flush in under 100 ms',
        measured: `median ${median(wall).toFixed(0)} ms, p95 ${quantile(wall, 0.95).toFixed(0)} ms`,
        met: median(wall) < 100,
      });
    }
  }
}
