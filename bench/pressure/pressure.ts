import { type ChildProcess, execFile, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { buildLibrary } from '../../tools/build.ts';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';

/**
 * Compression while the processors are short: as many busy loops run beside the servers as there are processors. A list
 * of 20 KB, compressed each time by gzip, adaptive beside the fixed level 6, in the order A B B A under wrk; p99 of each.
 * Then whether the step down and the step up show in the statistics, as GET /metrics counts answers by level.
 */

const run_ = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const PATH = '/20k';

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly token: string;
}

/** Answers by level: "gzip:1". */
type Levels = ReadonlyMap<string, number>;

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  log('pressure: building the package');
  await buildLibrary(root, join(root, 'packages/autopilot/dist'));
  const adaptive = await start('adaptive');
  // With a byte worth 5 us gzip is always at level 6, which is the highest there is: the same code, fixed.
  const fixed = await start('smallest');
  try {
    log('pressure: at rest');
    for (const server of [adaptive, fixed]) await ask(server, quick ? 4_000 : 12_000);
    const resting = await levelsAfter(adaptive, () => ask(adaptive, quick ? 4_000 : 8_000));
    const loops = Array.from({ length: availableParallelism() }, busyLoop);
    const p99s: { readonly adaptive: number; readonly fixed: number }[] = [];
    let strained: Levels;
    try {
      strained = await levelsAfter(adaptive, async () => {
        for (const server of [adaptive, fixed]) await load(server, 2);
        for (let round = 0; round < (quick ? 2 : 10); round++) {
          log(`pressure: beside ${loops.length} busy loops, round ${round + 1}`);
          const seconds = quick ? 2 : 4;
          const first = round % 2 === 0 ? await load(adaptive, seconds) : null;
          const fixedMs = await load(fixed, seconds);
          p99s.push({ adaptive: first ?? (await load(adaptive, seconds)), fixed: fixedMs });
        }
      });
    } finally {
      for (const loop of loops) await end(loop);
    }
    log('pressure: at rest again');
    await ask(adaptive, 12_000);
    const rested = await levelsAfter(adaptive, () => ask(adaptive, quick ? 4_000 : 8_000));
    const six = await levelsAfter(fixed, () => ask(fixed, 2_000));
    const ratio = median(p99s.map((round) => round.adaptive / round.fixed));
    const [before, under, after] = [resting, strained, rested].map((levels) => shareOfSix(levels));
    return {
      rows: [
        row('p99 under pressure, adaptive', { 'p99, ms': median(p99s.map((round) => round.adaptive)) }),
        row('p99 under pressure, fixed level 6', { 'p99, ms': median(p99s.map((round) => round.fixed)) }),
        row('adaptive at rest', told(resting)),
        row('adaptive under pressure', told(strained)),
        row('adaptive at rest again', told(rested)),
        row('fixed', told(six)),
      ],
      goals: [
        {
          goal: 'p99 under pressure below that of the fixed level 6',
          measured: `${ratio.toFixed(3)} x`,
          met: ratio < 1,
        },
        {
          goal: 'the step down shows in the statistics: most at level 6 at rest, few under pressure',
          measured: `${percent(before)}, then ${percent(under)}`,
          met: (before ?? 0) > 0.5 && (under ?? 1) < 0.5,
        },
        {
          goal: 'and the step up: most at level 6 when it is over',
          measured: percent(after),
          met: (after ?? 0) > 0.5,
        },
      ],
      notes: [
        'Medians of the ratios within a round; wrk with 16 connections. The servers wait for the processor most of the time.',
        'Clients here take gzip alone, whose levels 1 and 6 differ most; one answer in 64 to 512 tries another level.',
      ],
    };
  } finally {
    await end(adaptive.child);
    await end(fixed.child);
  }
}

async function start(effort: 'adaptive' | 'smallest'): Promise<Running> {
  const token = randomBytes(24).toString('hex');
  const child = fork(new URL('../compress/server.ts', import.meta.url), ['Fastify, autopilot without its cache'], {
    // Not inherited: '@teamflow/autopilot' means the built package here.
    execArgv: [],
    env: { ...process.env, AUTOPILOT_TOKEN: token, AUTOPILOT__COMPRESSION__EFFORT: effort },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // what server.ts sends first
  return { child, port, token };
}

function busyLoop(): ChildProcess {
  return fork(new URL('./busy-loop.ts', import.meta.url), [], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

async function end(child: ChildProcess): Promise<void> {
  // A busy loop hears of nothing.
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** p99 in ms of all connections' requests. */
async function load({ port }: Running, seconds: number): Promise<number> {
  const url = `http://127.0.0.1:${port}${PATH}`;
  const { stdout } = await run_('wrk', [
    '-t1',
    '-c16',
    `-d${seconds}s`,
    '--latency',
    '-H',
    'Accept-Encoding: gzip',
    url,
  ]);
  const [, value = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  if (unit === '' || /Non-2xx/.test(stdout)) throw new Error(`wrk did not get its answers:\n${stdout}`);
  return Number(value) * { us: 0.001, ms: 1, s: 1_000 }[unit as 'us' | 'ms' | 's']; // as matched
}

/** Asks every 20 ms for so long: the server rests. */
async function ask({ port }: Running, durationMs: number): Promise<void> {
  const untilMs = performance.now() + durationMs;
  while (performance.now() < untilMs) {
    const asked = get({ port, host: '127.0.0.1', path: PATH, headers: { 'accept-encoding': 'gzip' } });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // Node's own event
    answer.resume();
    await once(answer, 'end');
    await sleep(20);
  }
}

async function levelsAfter(server: Running, doing: () => Promise<void>): Promise<Levels> {
  const before = await levels(server);
  await doing();
  // Windows close every second.
  await sleep(2_500);
  const after = await levels(server);
  return new Map([...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));
}

/** As any Prometheus would be told. */
async function levels({ port, token }: Running): Promise<Levels> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`/metrics answers ${answer.status}: ${text}`);
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('autopilot_compression_answers_total{') || !line.includes(`GET ${PATH}"`)) continue;
    const level = /"((?:zstd|br|gzip|deflate):\d+)"/.exec(line)?.[1];
    if (level !== undefined)
      found.set(
        level,
        Number(
          line
            .slice(line.lastIndexOf('}') + 1)
            .trim()
            .split(' ')[0],
        ),
      );
  }
  return found;
}

function shareOfSix(levels: Levels): number {
  const all = [...levels.values()].reduce((sum, count) => sum + count, 0);
  return all === 0 ? Number.NaN : (levels.get('gzip:6') ?? 0) / all;
}

function percent(share: number | undefined): string {
  return `${(100 * (share ?? Number.NaN)).toFixed(0)} % at level 6`;
}

function told(levels: Levels): Readonly<Record<string, number>> {
  return { 'gzip:1': levels.get('gzip:1') ?? 0, 'gzip:6': levels.get('gzip:6') ?? 0 };
}

function row(measured: string, figures: Readonly<Record<string, number>>): BenchRow {
  return { measured, ...figures };
}
