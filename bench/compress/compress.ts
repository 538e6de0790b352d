import { type ChildProcess, execFile, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { compressionRules } from '../../test/support/compression-rules.ts';
import { buildLibrary } from '../../tools/build.ts';
import { type BenchFindings, type BenchGoal, type BenchOptions, type BenchRow, median } from '../result.ts';
import { type ServerName, sizes } from './servers.ts';

/**
 * What compression costs and saves beside the peers, the same lists for all: requests a second and CPU time a request
 * under wrk, 32 connections, all servers of a framework by turns, forth in one round and back in the next, the ratio of two
 * within each round, and the bytes of an answer to a browser. The framework without compression shows what could be reached
 * at most. Then a list of which a twentieth has changed, by a dictionary (RFC 9842); how soon the first event of
 * a stream comes; and the rules of compression, asked of each: test/support/compression-rules.ts.
 *
 * Ours runs from the built package, with no other layer on but tracking, which the peers do not have.
 */

const run_ = promisify(execFile);
const root = join(import.meta.dirname, '../..');
/** What browsers send. */
const ACCEPTED = 'gzip, deflate, br, zstd';

interface Framework {
  readonly bare: ServerName;
  readonly peer: ServerName;
  readonly ours: readonly ServerName[];
  /** What of ours is asked for the smallest bodies alone: larger ones take it longer than any peer. */
  readonly smallest: ServerName;
}

const frameworks: readonly Framework[] = [
  {
    bare: 'Fastify bare',
    peer: 'Fastify, @fastify/compress',
    ours: ['Fastify, autopilot', 'Fastify, autopilot without its cache', 'Fastify, autopilot, thorough'],
    smallest: 'Fastify, autopilot, smallest',
  },
  {
    bare: 'Express bare',
    peer: 'Express, compression',
    ours: ['Express, autopilot', 'Express, autopilot without its cache', 'Express, autopilot, thorough'],
    smallest: 'Express, autopilot, smallest',
  },
];
const ruled: readonly ServerName[] = [
  'Fastify, autopilot',
  'Express, autopilot',
  'Fastify, @fastify/compress',
  'Express, compression',
  'Koa, koa-compress',
  'Hono, hono/compress',
];

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
}

interface Sample {
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
}

interface Compared {
  readonly ours: ServerName;
  readonly peer: ServerName;
  readonly path: string;
  readonly rounds: readonly (readonly [ours: Sample, peer: Sample])[];
  readonly bytes: readonly [ours: number, peer: number];
}

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  log('compress: building the package');
  await buildLibrary(root, join(root, 'packages/autopilot/dist'));
  const compared: Compared[] = [];
  for (const framework of frameworks) compared.push(...(await compare(framework, quick, log)));
  const kept = await rulesKept(log);
  const others = [await polls(log), await firstEvents('Fastify, autopilot'), await firstEvents('Express, autopilot')];
  return {
    rows: [...compared.map(rowOf), ...others.flatMap(({ rows }) => rows), ...kept.rows],
    goals: [...goalsOf(compared), ...others.flatMap(({ goals }) => goals), ...kept.goals],
    notes: [
      'req/s and CPU: medians of the ratios within a round; bytes of the body as sent to a browser (gzip, deflate, br, zstd).',
      'CPU us added: to the server beside it, which for a bare framework is what compression takes, and in Fastify tracking.',
      'A bare framework beside a peer: what a compression that costs nothing would reach, but for the bytes it does not send.',
      'Body cache on: the same body comes each time, and is sent as it was kept. Off: it is compressed each time, as bodies are that change.',
      'A rule that is not kept shows what happened instead; test/support/compression-rules.ts has what was asked.',
    ],
  };
}

/** Each of ours beside the bare framework and beside the peer, and those two. */
async function compare(
  { bare, peer, ours, smallest }: Framework,
  quick: boolean,
  log: (line: string) => void,
): Promise<readonly Compared[]> {
  const compared: Compared[] = [];
  const names = [bare, ...ours, smallest, peer];
  const servers = new Map<ServerName, Running>();
  try {
    for (const name of names) servers.set(name, await start(name));
    for (const path of Object.keys(sizes)) {
      const asked = [...servers].filter(([name]) => name !== smallest || path === '/2k');
      log(`compress: ${asked.map(([name]) => name).join(' | ')}, ${path}`);
      for (const [, server] of asked) await measure(server, path, quick ? 0.5 : 2);
      const rounds: ReadonlyMap<ServerName, Sample>[] = [];
      for (let round = 0; round < (quick ? 2 : 8); round++) {
        const samples = new Map<ServerName, Sample>();
        for (const [name, server] of round % 2 === 0 ? asked : asked.toReversed()) {
          samples.set(name, await measure(server, path, 1));
        }
        rounds.push(samples);
      }
      const bytes = new Map<ServerName, number>();
      for (const [name, server] of asked) bytes.set(name, await bytesOf(server, path));
      const beside = (one: ServerName, other: ServerName): Compared => ({
        ours: one,
        peer: other,
        path,
        rounds: rounds.map((samples) => [of(samples, one), of(samples, other)]),
        bytes: [of(bytes, one), of(bytes, other)],
      });
      for (const one of ours) compared.push(beside(one, bare), beside(one, peer));
      if (path === '/2k') compared.push(beside(smallest, peer));
      compared.push(beside(bare, peer));
    }
  } finally {
    for (const server of servers.values()) await stop(server);
  }
  return compared;
}

function of<V>(values: ReadonlyMap<ServerName, V>, name: ServerName): V {
  const value = values.get(name);
  if (value === undefined) throw new Error(`${name} was not measured`);
  return value;
}

function ratiosOf({ rounds }: Compared, pick: (sample: Sample) => number): number {
  return median(rounds.map(([ours, peer]) => pick(ours) / pick(peer)));
}

function rowOf(compared: Compared): BenchRow {
  const { ours, peer, path, rounds, bytes } = compared;
  return {
    measured: `${ours} beside ${peer}, ${path.slice(1)}`,
    'req/s ratio': rounded(ratiosOf(compared, (sample) => sample.requestsPerSecond)),
    'CPU ratio': rounded(ratiosOf(compared, (sample) => sample.cpuUs)),
    'CPU us': rounded(median(rounds.map(([one]) => one.cpuUs))),
    'CPU us added': rounded(median(rounds.map(([one, other]) => one.cpuUs - other.cpuUs))),
    bytes: bytes[0],
    'bytes of the other': bytes[1],
  };
}

/** By the issue: [peer, path, least ratio of requests a second]. */
const speeds: readonly (readonly [ServerName, string, number])[] = [
  ['Fastify, @fastify/compress', '/2k', 1.8],
  ['Fastify, @fastify/compress', '/20k', 4],
  ['Express, compression', '/2k', 2.5],
  ['Express, compression', '/20k', 1.6],
  ['Express, compression', '/200k', 4],
];

function goalsOf(all: readonly Compared[]): readonly BenchGoal[] {
  const goals: BenchGoal[] = [];
  for (const compared of all) {
    const { ours, peer, path, rounds, bytes } = compared;
    const share = bytes[0] / bytes[1];
    if (/thorough|smallest|bare/.test(ours)) continue;
    // The same list comes each time, and what is kept is sent. Bodies that change each time have goals of their own.
    const cache = ours.endsWith('without its cache') ? 'body cache off' : 'body cache on';
    if (peer.endsWith('bare')) {
      if (path === '/200k') continue;
      const added = median(rounds.map(([one, other]) => one.cpuUs - other.cpuUs));
      goals.push({
        goal: `at most 40 us added to ${peer} at ${path} (${cache})`,
        measured: added.toFixed(1),
        met: added <= 40,
      });
      continue;
    }
    goals.push({
      goal: `bytes at most 1.10 x those of ${peer} at ${path} (${cache})`,
      measured: share.toFixed(3),
      met: share <= 1.1,
    });
    const least = speeds.find(([name, at]) => name === peer && at === path)?.[2];
    if (least === undefined) continue;
    const speed = (sample: Sample): number => sample.requestsPerSecond;
    const ratio = ratiosOf(compared, speed);
    const bound = all.find((one) => one.ours.endsWith('bare') && one.peer === peer && one.path === path);
    goals.push({
      goal: `${least} x the req/s of ${peer} at ${path} (${cache})`,
      measured: `${ratio.toFixed(2)}${bound === undefined ? '' : `, where no compression at all reaches ${ratiosOf(bound, speed).toFixed(2)}`}`,
      met: ratio >= least,
    });
  }
  return [...goals, ...frontierOf(all)];
}

/**
 * No more bytes for no more CPU time: as it comes, and where every body is another, for which the cheapest that is no
 * larger is looked for: as it comes, or with more effort.
 */
function frontierOf(all: readonly Compared[]): readonly BenchGoal[] {
  const goals: BenchGoal[] = [];
  for (const peer of new Set(speeds.map(([name]) => name))) {
    for (const path of Object.keys(sizes)) {
      const ours = all.filter((one) => one.peer === peer && one.path === path);
      const [off, on] = [
        ours.filter((one) => /without its cache|thorough|smallest/.test(one.ours)),
        ours.filter((one) => one.ours.endsWith('pilot')),
      ];
      for (const [tried, cache] of [
        [on, 'body cache on'],
        [off, 'body cache off'],
      ] as const) {
        const figures = tried.map((one) => ({
          effort: /thorough|smallest/.exec(one.ours)?.[0] ?? 'adaptive',
          cpu: ratiosOf(one, (sample) => sample.cpuUs),
          share: one.bytes[0] / one.bytes[1],
        }));
        goals.push({
          goal: `for no more CPU time than ${peer}, no more bytes at ${path} (${cache})`,
          measured: figures
            .map(({ effort, cpu, share }) => `${effort}: CPU ${cpu.toFixed(2)} x, bytes ${share.toFixed(3)} x`)
            .join('; '),
          met: figures.some(({ cpu, share }) => cpu <= 1 && share <= 1),
        });
      }
    }
  }
  return goals;
}

type Found = Pick<BenchFindings, 'rows' | 'goals'>;

/** Polls of a list of which a twentieth changes each time, by a client that has kept an answer. */
async function polls(log: (line: string) => void): Promise<Found> {
  log('compress: polls of a list that changes, by a dictionary');
  const server = await start('Fastify, autopilot without its cache');
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  try {
    for (const path of Object.keys(sizes)) {
      const first = await ask(server, `/polled${path}`, { 'accept-encoding': 'zstd' });
      const hash = createHash('sha256').update(zstdDecompressSync(first.body)).digest('base64');
      const has = { 'accept-encoding': 'zstd, dcz', 'available-dictionary': `:${hash}:` };
      const pairs: (readonly [delta: number, plain: number])[] = [];
      for (let i = 0; i < 9; i++) {
        const delta = await ask(server, `/polled${path}`, has);
        const plain = await ask(server, `/polled${path}`, { 'accept-encoding': 'zstd' });
        if (delta.headers['content-encoding'] !== 'dcz') throw new Error(`${path} did not come by the dictionary`);
        pairs.push([delta.body.byteLength, plain.body.byteLength]);
      }
      const [bytes, plain] = [median(pairs.map(([one]) => one)), median(pairs.map(([, other]) => other))];
      rows.push({ measured: `a poll by dcz beside zstd, ${path.slice(1)}`, bytes, 'bytes of the other': plain });
      if (path === '/2k') continue;
      const goal = `a poll with 5 % changed by dcz at most 1/10 of zstd's bytes at ${path}`;
      goals.push({ goal, measured: `${bytes} of ${plain}`, met: bytes * 10 <= plain });
    }
  } finally {
    await stop(server);
  }
  return { rows, goals };
}

/** From asking to the first event: its first byte after the head. */
async function firstEvents(name: ServerName): Promise<Found> {
  const server = await start(name);
  try {
    const times: number[] = [];
    for (let i = 0; i < 21; i++) {
      const startedAtMs = performance.now();
      const headers = { 'accept-encoding': ACCEPTED };
      const asked = get({ port: server.port, host: '127.0.0.1', path: '/events', headers, agent: false });
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // Node's own event
      await once(answer, 'data');
      times.push(performance.now() - startedAtMs);
      if (answer.headers['content-encoding'] === undefined) throw new Error('the events were not compressed');
      answer.on('error', () => {});
      asked.destroy();
    }
    const [first = 0, ...others] = times;
    const ms = median(others);
    const goal = `${name}: the first event of a compressed stream within 10 ms`;
    return {
      rows: [
        { measured: `${name}: first event, ms`, 'ms, median': rounded(ms), 'ms, of a cold server': rounded(first) },
      ],
      goals: [{ goal, measured: `${ms.toFixed(1)} ms`, met: ms <= 10 }],
    };
  } finally {
    await stop(server);
  }
}

async function rulesKept(log: (line: string) => void): Promise<Found> {
  const rows = compressionRules.map(({ name }): Record<string, string> => ({ measured: `rule: ${name}` }));
  const goals: BenchGoal[] = [];
  for (const name of ruled) {
    log(`compress: the rules, asked of ${name}`);
    const server = await start(name);
    let broken = 0;
    try {
      for (const [index, rule] of compressionRules.entries()) {
        const trouble = await Promise.race([
          rule.check(server.port).catch((error: unknown) => String(error)),
          sleep(10_000, 'no answer within 10 s', { ref: false }),
        ]);
        if (trouble !== null) broken++;
        const row = rows[index];
        if (row !== undefined) row[name] = trouble ?? 'kept';
      }
    } finally {
      await stop(server);
    }
    const measured = `${compressionRules.length - broken} of ${compressionRules.length}`;
    if (name.endsWith('autopilot')) goals.push({ goal: `${name} keeps every rule`, measured, met: broken === 0 });
    else rows.push({ measured: `rules kept by ${name}`, [name]: measured });
  }
  return { rows, goals };
}

async function start(name: ServerName): Promise<Running> {
  const child = fork(new URL('./server.ts', import.meta.url), [name], {
    // Not inherited: '@teamflow/autopilot' means the built package here.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // what server.ts sends first
  return { child, port };
}

async function stop({ child }: Running): Promise<void> {
  child.disconnect();
  if (child.exitCode === null) await once(child, 'exit');
}

async function cpuUs(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage]; // what server.ts answers
  return usage.user + usage.system;
}

async function measure({ child, port }: Running, path: string, seconds: number): Promise<Sample> {
  await sleep(100);
  const before = await cpuUs(child);
  const url = `http://127.0.0.1:${port}${path}`;
  const duration = `-d${Math.max(1, Math.round(seconds))}s`;
  const { stdout } = await run_('wrk', ['-t1', '-c32', duration, '-H', `Accept-Encoding: ${ACCEPTED}`, url]);
  const spent = (await cpuUs(child)) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!(requests > 0) || /Non-2xx/.test(stdout)) throw new Error(`wrk did not get its answers:\n${stdout}`);
  return { cpuUs: spent / requests, requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]) };
}

/** The median of several answers: now and then one is coded otherwise, to see whether that is better. */
async function bytesOf(server: Running, path: string): Promise<number> {
  const lengths: number[] = [];
  for (let i = 0; i < 9; i++) lengths.push((await ask(server, path, { 'accept-encoding': ACCEPTED })).body.byteLength);
  return median(lengths);
}

async function ask(
  { port }: Running,
  path: string,
  headers: OutgoingHttpHeaders,
): Promise<{ readonly headers: IncomingHttpHeaders; readonly body: Buffer }> {
  const asked = get({ port, host: '127.0.0.1', path, headers, agent: false });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // Node's own event
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer); // no encoding is set
  return { headers: answer.headers, body: Buffer.concat(chunks) };
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
