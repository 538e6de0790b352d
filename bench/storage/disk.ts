import { type BenchOptions, median } from '../result.ts';
import { type Findings, MB, TWO_HUNDRED } from './findings.ts';
import { NaiveStore } from './naive.ts';
import { DAY, HOUR, MINUTE, type SimulatedService, Simulation } from './simulation.ts';
import { Workload } from './workload.ts';

/** A day of one instance with 200 series, as it is in production: a flush every 10 s, compaction every minute. */
export async function measureDay(findings: Findings, { quick, log }: BenchOptions): Promise<void> {
  await using simulation = await Simulation.open({ durable: false });
  const hours = quick ? 4 : 24;
  log(`${hours} hours of 200 series`);
  const service: SimulatedService = {
    name: 'orders',
    instances: 1,
    workload: new Workload(TWO_HUNDRED, 200, 2, true),
    rhythm: () => ({ everyMs: 10_000, durationMs: 10_000 }),
  };
  const walFrom = await simulation.walPosition();
  const start = simulation.now;
  await simulation.run([service], start + hours * HOUR, MINUTE);
  const walBytes = (await simulation.walPosition()) - walFrom;
  const before = await simulation.sizes();
  const kept = await simulation.number('SELECT count(*) FROM autopilot.windows');
  // The day is closed ten minutes after its end.
  if (!quick) await simulation.run([{ ...service, rhythm: () => null }], simulation.now + 15 * MINUTE, MINUTE);
  const after = await simulation.sizes();
  const size = (from: ReadonlyMap<string, number>, ...names: string[]): number =>
    names.reduce((sum, name) => sum + (from.get(name) ?? 0), 0) / MB;
  const minutes = (size(before, 'minute_chunks') * 24) / (quick ? hours - 1 : hours - 1 + 0.95);
  const hoursMb = quick ? (size(before, 'hour_blocks') * 24) / (hours - 1) : size(after, 'hour_chunks');
  const days = quick ? 0 : size(after, 'day_blocks');
  const fixed = size(before, 'windows', 'window_blocks', 'unfolded_windows', 'minute_blocks') + hoursMb * 3;
  const aDay = minutes + hoursMb + days;
  const closing = simulation.compactions.filter(({ at }) => (at - start) % HOUR === 3 * MINUTE && at > start + HOUR);
  const usual = simulation.compactions.filter(({ at }) => (at - start) % HOUR === 30 * MINUTE);
  findings.rows.push(
    { figure: '200 series, a day on disk: minutes (kept 8 days)', value: minutes, unit: 'MB' },
    { figure: '200 series, a day on disk: hours (kept 100 days)', value: hoursMb, unit: 'MB' },
    { figure: '200 series, a day on disk: days (kept 2 years)', value: days, unit: 'MB' },
    { figure: '200 series, always there: windows, open minutes and hours', value: fixed, unit: 'MB' },
    {
      figure: '200 series, windows of a day, where no control plane merges and drops them',
      value: (size(before, 'windows', 'window_blocks', 'unfolded_windows') / kept) * 8640,
      unit: 'MB',
    },
    {
      figure: '200 series, in all after two years',
      value: fixed + minutes * 8.5 + hoursMb * 105 + days * 780,
      unit: 'MB',
    },
    { figure: '200 series, WAL a day (compaction included)', value: (walBytes / MB / hours) * 24, unit: 'MB' },
    { figure: 'compaction of a minute, one instance', value: median(usual.map(({ ms }) => ms)), unit: 'ms' },
    { figure: 'closing an hour, one instance and its service', value: median(closing.map(({ ms }) => ms)), unit: 'ms' },
  );
  findings.goals.push({
    goal: '200 series cost at most 50 MB a day on disk in steady state',
    measured: `${aDay.toFixed(1)} MB (and ${fixed.toFixed(0)} MB that are always there)`,
    met: aDay <= 50,
  });
  await measureNaive(findings, simulation, start, Math.min(hours, 3) * HOUR, minutes);
}

/** The same facts in naive rows, a row a minute. */
async function measureNaive(
  findings: Findings,
  simulation: Simulation,
  start: number,
  spanMs: number,
  ours: number,
): Promise<void> {
  const naive = new NaiveStore(simulation);
  await naive.create();
  const walFrom = await simulation.walPosition();
  await naive.copy('orders', ['route', 'tenant', 'statement', 'pool', 'runtime'], start, start + spanMs, MINUTE);
  const walBytes = (await simulation.walPosition()) - walFrom;
  await naive.settle();
  for (const form of ['jsonb rows', 'histogram rows'] as const) {
    const megabytes = ((await naive.bytes(form)) / MB) * (DAY / spanMs);
    findings.rows.push({
      figure: `200 series, a day of minutes on disk, naive ${form}`,
      value: megabytes,
      unit: 'MB',
      'times as much': megabytes / ours,
    });
  }
  findings.rows.push({
    figure: '200 series, WAL of a day of minutes, both naive forms',
    value: (walBytes / MB) * (DAY / spanMs),
    unit: 'MB',
  });
}
