import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type BenchOptions, median } from '../result.ts';
import { type Findings, TWO_HUNDRED, timed } from './findings.ts';
import { HOUR, MINUTE, Simulation } from './simulation.ts';
import { Workload } from './workload.ts';

const CLOSED_INSTANCES = 50;

/** Many services and instances at once: what one store takes in, and what merging it costs. */
export async function measureFleet(findings: Findings, { quick, log }: BenchOptions): Promise<void> {
  await using simulation = await Simulation.open({ durable: true });
  const [services, instances] = quick ? [4, 25] : [20, 50];
  const fleet = services * instances;
  log(`${fleet} instances`);
  const workload = new Workload(TWO_HUNDRED, 200, 3);
  const start = simulation.now - HOUR;
  const flush = async (window: number): Promise<number> => {
    const one = workload.window(start + window * 10_000, 10_000);
    let next = 0;
    const writer = async (): Promise<void> => {
      for (let at = next++; at < fleet; at = next++) {
        const origin = { service: `s${at % services}`, instance: `i${at}`, release: '1.0.0' };
        await simulation.store.append(origin, [one]);
      }
    };
    return await timed(() => Promise.all([writer(), writer(), writer(), writer()]));
  };
  await flush(0);
  const times: number[] = [];
  for (let window = 1; window < 6; window++) times.push(await flush(window));
  simulation.clock.advance(2 * MINUTE);
  const merging = await merge(simulation);
  findings.rows.push(
    { figure: `one flush of each of ${fleet} instances x 200 series`, value: median(times) / 1000, unit: 's' },
    { figure: `merging a minute of ${fleet} instances`, value: merging.ms / 1000, unit: 's' },
    {
      figure: `merging a minute of ${fleet} instances, CPU of the control plane`,
      value: merging.cpuMs / 1000,
      unit: 's',
    },
    {
      figure: `merging a minute of ${fleet} instances, longest the control plane stands still`,
      value: merging.longestStopMs,
      unit: 'ms',
    },
  );
  const closing = await closeHour(simulation, workload, quick ? 5 : CLOSED_INSTANCES, log);
  findings.rows.push(
    { figure: 'closing an hour of an instance x 200 series', value: closing.ms, unit: 'ms' },
    { figure: `closing an hour of ${fleet} instances, by that`, value: (closing.ms * fleet) / 1000, unit: 's' },
    { figure: 'closing an hour, longest the control plane stands still', value: closing.longestStopMs, unit: 'ms' },
  );
  if (quick) return;
  const minuteS = merging.ms / 1000 + (closing.ms * fleet) / 1000 / 60;
  findings.goals.push(
    {
      goal: '1,000 services x instances: a flush of each within the 10 s in which it comes',
      measured: `${(median(times) / 1000).toFixed(1)} s, written by one process over four connections`,
      met: median(times) < 10_000,
    },
    {
      goal: '1,000 services x instances: compaction keeps up, with half of its time to spare',
      measured: `${minuteS.toFixed(1)} s of each minute, closing hours included`,
      met: minuteS < 30,
    },
  );
}

interface Merging {
  readonly ms: number;
  readonly cpuMs: number;
  readonly longestStopMs: number;
}

/** All that is due. */
async function merge(simulation: Simulation): Promise<Merging> {
  const delay = monitorEventLoopDelay({ resolution: 2 });
  delay.enable();
  const before = process.cpuUsage();
  const ms = await timed(async () => {
    while ((await simulation.store.compact(simulation.now)).merged > 0);
  });
  const { user, system } = process.cpuUsage(before);
  delay.disable();
  return { ms, cpuMs: (user + system) / 1000, longestStopMs: delay.max / 1e6 };
}

/** An hour of windows of a minute, which is to compaction what six of 10 s are; its minutes are merged, then it is closed. */
async function closeHour(
  simulation: Simulation,
  workload: Workload,
  instances: number,
  log: (line: string) => void,
): Promise<Merging> {
  log(`an hour of ${instances} instances`);
  const hour = Math.ceil(simulation.now / HOUR) * HOUR;
  simulation.clock.jump(hour + HOUR);
  for (let at = 0; at < instances; at++) {
    const origin = { service: 'closing', instance: `c${at}`, release: '1.0.0' };
    const windows = Array.from({ length: 60 }, (_, minute) => workload.window(hour + minute * MINUTE, MINUTE));
    await simulation.store.append(origin, windows);
  }
  simulation.clock.advance(MINUTE);
  await merge(simulation);
  simulation.clock.advance(2 * MINUTE);
  const due = await simulation.number(
    `SELECT count(*) FROM autopilot.scopes s WHERE EXISTS (SELECT FROM autopilot.minute_blocks b
       WHERE b.scope_id = s.scope_id AND b.family = 0 AND b.start_ms >= ${hour})`,
  );
  let closing = { ms: 0, cpuMs: 0, longestStopMs: 0 };
  while ((await simulation.number(`SELECT count(*) FROM autopilot.scopes WHERE minutes_until_ms > ${hour}`)) < due) {
    const one = await merge(simulation);
    closing = {
      ms: closing.ms + one.ms,
      cpuMs: closing.cpuMs + one.cpuMs,
      longestStopMs: Math.max(closing.longestStopMs, one.longestStopMs),
    };
  }
  return { ...closing, ms: closing.ms / due, cpuMs: closing.cpuMs / due };
}
