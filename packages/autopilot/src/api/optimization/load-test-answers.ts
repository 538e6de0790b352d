import type { Benchmark } from '../../contract/benchmarks.ts';
import type { LoadTestOperationId, LoadTestsQuery } from '../../contract/load-test-operations.ts';
import type { Job, LoadTest, LoadTestHead } from '../../contract/load-tests.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { compareLoadResults } from '../../load/compare-results.ts';
import { type LoadTestKind, loadTestKinds } from '../../load/load-report.ts';
import { htmlReport } from '../../load/report/html-report.ts';
import { parseThreshold, THRESHOLD_REMEDY } from '../../load/threshold.ts';
import { linkHeader, type Pager } from '../../page/page.ts';
import type { EventStreams } from '../event-streams.ts';
import type { Answering } from '../handler.ts';
import { type JobSource, startedJob } from '../jobs.ts';
import { newestFirst, partOf } from '../numbered-list.ts';
import { jsonOf } from '../request-body.ts';
import { eventStreamResponse, jsonResponse, textResponse } from '../responses.ts';
import type { BenchmarkDesk } from './benchmark-desk.ts';
import type { LoadDesk } from './load-desk.ts';
import { mustBeToken } from './start-by-get.ts';

/** What the calls about load tests and benchmarks are answered from. */
export interface LoadSources {
  readonly desk: LoadDesk;
  readonly benchmarks: BenchmarkDesk;
  readonly pager: Pager;
  readonly streams: EventStreams;
  /** The service that a call is about. @throws AutopilotError AP_SERVICE_UNKNOWN */
  readonly serviceOf: (named: string | undefined) => string;
}

const PATH = '/api/v1/optimization/load-test';
const BENCHMARK_PATH = '/api/v1/optimization/benchmark';
/** A page that runs nothing and loads nothing. */
const REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/** How long users of the short form wait between two requests. */
const THINK_MS = 1000;

/** Answers the calls about load tests. */
export function loadTestAnswers(
  sources: LoadSources,
): Pick<Answering, Exclude<LoadTestOperationId, 'getJob' | 'cancelJob'>> {
  const { desk, pager, streams, serviceOf } = sources;
  const started = (head: LoadTestHead): Response => startedJob(head, `${PATH}/${head.id}`);
  return {
    getLoadTests: async ({ query, url, principal }) => {
      const service = serviceOf(query.service);
      if (wantsStart(query)) {
        mustBeToken(principal, PATH);
        return started(await desk.start({ service, principal, plan: planOf(query), kind: 'load' }));
      }
      const { cursor, limit } = query;
      const open = pager.open({ cursor, limit, order: newestFirst, filter: { list: 'load tests', service } });
      const { items, page } = open.close(await desk.list(service, partOf(open)), ({ number }) => [String(number)]);
      const running = await desk.running();
      const list = {
        service,
        limits: desk.limits(principal),
        running,
        tests: items.map((test) => desk.headOf(test)),
        page,
      };
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
    startLoadTest: async ({ query, body, principal }) => {
      if (body === null || principal === null) throw new TypeError('The operation takes a body, and a sign-in.');
      const order = orderOf(jsonOf(body, body.declared));
      return started(await desk.start({ service: serviceOf(query.service), principal, ...order }));
    },
    getLoadTest: async ({ params, streams: follows, mediaType, signal }) => {
      const id = String(params['id']);
      if (mediaType === 'text/html') {
        const { head, report } = await desk.report(id);
        if (report === null) {
          throw new AutopilotError('AP_LOAD_TEST_UNKNOWN', `The load test ${id} has no report: it is ${head.state}.`);
        }
        return textResponse(200, 'text/html; charset=utf-8', htmlReport(report), {
          'content-security-policy': REPORT_POLICY,
        });
      }
      const test = await desk.read(id);
      if (!follows) return jsonResponse(test);
      const compute = (): Promise<LoadTest> => desk.read(id);
      const source = { key: `getLoadTest ${id}`, event: 'load-test', compute, tail: (now: LoadTest) => now };
      return eventStreamResponse(streams.open(source, test, signal));
    },
    stopLoadTest: async ({ params }) => jsonResponse(await desk.stop(String(params['id']))),
    compareLoadTests: async ({ params, query }) => {
      const after = await desk.report(String(params['id']));
      const before = await desk.report(query.with);
      const sides = [before, after].map(({ report }) => (report === null ? [] : [report.result]));
      const { verdict, reasons, figures } = compareLoadResults(sides[0] ?? [], sides[1] ?? []);
      return jsonResponse({ before: before.head, after: after.head, verdict, reasons, figures });
    },
  };
}

/** Load tests as jobs. */
export function loadTestJobs(desk: LoadDesk): JobSource {
  return {
    find: async (id) => unlessUnknown(async () => jobOf(await desk.read(id))),
    cancel: async (id) => {
      await desk.stop(id);
    },
  };
}

/** Benchmarks as jobs. */
export function benchmarkJobs(desk: BenchmarkDesk): JobSource {
  return {
    find: async (id) => unlessUnknown(async () => jobOfBenchmark(await desk.read(id))),
    cancel: async (id) => {
      await desk.stop(id);
    },
  };
}

async function unlessUnknown<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (isUnknown(error)) return null;
    throw error;
  }
}

function wantsStart({ users, durationSeconds, target, path }: LoadTestsQuery): boolean {
  if (users !== undefined && durationSeconds !== undefined) return true;
  if (users === undefined && durationSeconds === undefined && target === undefined && path === undefined) return false;
  throw new AutopilotError('AP_PARAMETER_INVALID', 'A test to be started needs users and durationSeconds.', {
    remedy: 'Give both, or neither users, durationSeconds, target nor path.',
  });
}

function planOf({
  users = 1,
  durationSeconds = 1,
  target,
  path = '/',
}: LoadTestsQuery): Readonly<Record<string, unknown>> {
  return {
    name: `${users} users, GET ${path}`.slice(0, 200),
    ...(target === undefined ? {} : { target }),
    load: {
      kind: 'users',
      stages: [{ durationMs: 1000 * durationSeconds, users }],
      thinkMs: { meanMs: THINK_MS },
    },
    // Whatever is in it, it is a text and no expression.
    flows: [{ name: 'get', steps: [{ name: 'get', path: path.replaceAll('${', '%24%7B') }] }],
  };
}

function orderOf(value: unknown): {
  readonly plan: string | Readonly<Record<string, unknown>>;
  readonly kind: LoadTestKind;
  readonly objective?: readonly string[];
  readonly apart?: boolean;
} {
  if (!isFields(value)) throw invalid('The body is no object.');
  const { plan, kind = 'load', objective, apart, ...more } = value;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw invalid(`There is no field ${JSON.stringify(unknown)}.`);
  if (!isFields(plan) && typeof plan !== 'string') throw invalid('It has no plan.');
  const known = loadTestKinds.find((one) => one === kind);
  if (known === undefined) throw invalid(`kind is ${JSON.stringify(kind)}; it is one of ${loadTestKinds.join(', ')}.`);
  if (apart !== undefined && typeof apart !== 'boolean') throw invalid('apart is neither true nor false.');
  const order = { plan, kind: known, ...(apart === undefined ? {} : { apart }) };
  if (objective === undefined) return order;
  if (!Array.isArray(objective) || objective.length === 0 || objective.length > 20) {
    throw invalid('objective is no list of 1 to 20 conditions.');
  }
  const texts = objective.map((one) => {
    if (typeof one === 'string' && parseThreshold(one) !== null) return one;
    throw invalid(`objective: ${JSON.stringify(one).slice(0, 200)} can't be judged. ${THRESHOLD_REMEDY}`);
  });
  return { ...order, objective: texts };
}

function jobOf({ id, state, reason, startedAt, endedAt, moments }: LoadTest): Job {
  const last = moments.at(-1);
  const running = last === undefined ? 0 : Math.min(1, last.elapsedMs / last.durationMs);
  return {
    id,
    kind: 'load-test',
    state: state === 'running' || state === 'failed' ? state : state === 'stopped' ? 'cancelled' : 'done',
    progress: state === 'running' ? running : 1,
    reason,
    startedAt,
    endedAt,
    result: `${PATH}/${id}`,
  };
}

function jobOfBenchmark({ id, state, progress, reason, startedAt, endedAt }: Benchmark): Job {
  return {
    id,
    kind: 'benchmark',
    state:
      state === 'running' || state === 'failed'
        ? state
        : state === 'stopped' || state === 'aborted'
          ? 'cancelled'
          : 'done',
    progress,
    reason,
    startedAt,
    endedAt,
    result: `${BENCHMARK_PATH}/${id}`,
  };
}

function isUnknown(error: unknown): boolean {
  return error instanceof AutopilotError && ['AP_LOAD_TEST_UNKNOWN', 'AP_BENCHMARK_UNKNOWN'].includes(error.code);
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): AutopilotError {
  return new AutopilotError('AP_BODY_INVALID', message, {
    remedy: 'Send {"plan": {...}, "kind": "load"}; plans are described in docs/guides/load-tests.md.',
  });
}
