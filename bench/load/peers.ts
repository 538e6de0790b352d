import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const autocannonFile = createRequire(import.meta.url).resolve('autocannon');

/** What another load generator says of a run. */
export interface PeerResult {
  readonly ratePerSecond: number;
  readonly p99Ms: number;
}

export interface PeerRun {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Of those that take one; absent: as fast as it goes. */
  readonly rate?: number;
}

/** Null: it is not installed. */
export async function wrk({ url, connections, seconds }: PeerRun): Promise<PeerResult | null> {
  try {
    const { stdout } = await execute('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url]);
    const [, value = 'nan', unit = 'ms'] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
    return {
      ratePerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
      p99Ms: Number(value) * (unit === 's' ? 1000 : unit === 'us' ? 0.001 : 1),
    };
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** Null: it is not installed. */
export async function hey({ url, connections, seconds }: PeerRun): Promise<PeerResult | null> {
  try {
    const { stdout } = await execute('hey', ['-z', `${seconds}s`, '-c', String(connections), url]);
    return {
      ratePerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
      p99Ms: 1000 * Number(/99%+ in ([\d.]+) secs/.exec(stdout)?.[1]),
    };
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

export async function autocannon({ url, connections, seconds, rate }: PeerRun): Promise<PeerResult> {
  const limit = rate === undefined ? [] : ['-R', String(rate)];
  const args = [autocannonFile, '-j', '-c', String(connections), '-d', String(seconds), ...limit, url];
  const { stdout } = await execute(process.execPath, args);
  const answer = JSON.parse(stdout) as { requests: { average: number }; latency: { p99: number } }; // its documented form
  return { ratePerSecond: answer.requests.average, p99Ms: answer.latency.p99 };
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}
