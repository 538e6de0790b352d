import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { skipUnless } from './skip-unless.ts';

/** What a Prometheus server of a test scrapes. */
export interface ScrapeJob {
  readonly name: string;
  /** The address scraped, with its path. */
  readonly url: string;
  readonly token: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Keep `instance` as the target says it. */
  readonly honorLabels?: boolean;
}

/** A series of an instant query: its labels and its value. */
export interface QueriedSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A real Prometheus server that scrapes once a second. */
export interface Prometheus extends AsyncDisposable {
  readonly url: string;
  /** An instant query, now or at a time in ms. */
  query(expression: string, atMs?: number): Promise<readonly QueriedSeries[]>;
  /** The names of all metrics. */
  names(): Promise<readonly string[]>;
  /** What the last scrape of each target said: "" when it went well. */
  scrapeErrors(): Promise<readonly string[]>;
}

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** For a test's option `skip`. */
export function skipWithoutPrometheus(): string | false {
  return skipUnless(
    has('prometheus') && has('promtool'),
    'prometheus',
    "install Debian's package prometheus, or put prometheus and promtool on the PATH",
  );
}

/** What `promtool check metrics` has to say of a text: nothing when all is well. */
export async function promtoolCheck(text: string): Promise<string> {
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (said += part));
  child.stdin.end(text);
  const [code] = await once(child, 'close');
  return code === 0 && said === '' ? '' : `exit code ${String(code)}: ${said}`;
}

/** `native`: it asks for protobuf and takes native histograms; otherwise it asks for OpenMetrics. */
export async function startPrometheus(jobs: readonly ScrapeJob[], native: boolean): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'autopilot-prometheus-'));
  const configuration = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    // YAML is a superset of JSON.
    scrape_configs: jobs.map(({ name, url, token, parameters = {}, honorLabels = false }) => ({
      job_name: name,
      honor_labels: honorLabels,
      metrics_path: new URL(url).pathname,
      params: Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, [value]])),
      authorization: { credentials: token },
      static_configs: [{ targets: [new URL(url).host] }],
    })),
  };
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, JSON.stringify(configuration), { mode: 0o600 });
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      ...(native ? ['--enable-feature=native-histograms'] : []),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const url = await listening(child);
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(url + path);
    const answer = (await response.json()) as { status: string; error?: string; data: unknown }; // its HTTP API
    if (answer.status !== 'success') throw new Error(`Prometheus refused ${path}: ${answer.error ?? ''}`);
    return answer.data;
  };
  return {
    url,
    async query(expression, atMs = Date.now()) {
      const search = new URLSearchParams({ query: expression, time: String(atMs / 1000) });
      const data = (await get(`/api/v1/query?${search.toString()}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      }; // an instant vector
      return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
    },
    async names() {
      return (await get('/api/v1/label/__name__/values')) as string[]; // its HTTP API
    },
    async scrapeErrors() {
      const { activeTargets } = (await get('/api/v1/targets')) as { activeTargets: { lastError: string }[] }; // its API
      return activeTargets.map(({ lastError }) => lastError);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'close');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where it listens, which only its log says of port 0; rejects with what it said when it ends first. */
async function listening(child: ChildProcess): Promise<string> {
  let said = '';
  let address: string | undefined;
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    if (address === undefined) said += part;
    address ??= /msg="Listening on" address=(\S+)/.exec(said)?.[1];
    child.emit('said');
  });
  const deadline = AbortSignal.timeout(20_000);
  while (address === undefined) {
    await Promise.race([once(child, 'said', { signal: deadline }), once(child, 'exit', { signal: deadline })]);
    if (child.exitCode !== null) throw new Error(`Prometheus ended:\n${said}`);
  }
  const url = `http://${address}`;
  while (!(await fetch(`${url}/-/ready`)).ok) await sleep(100, undefined, { signal: deadline });
  return url;
}
