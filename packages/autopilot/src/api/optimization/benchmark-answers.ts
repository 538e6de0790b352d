import { compareBenchmarks } from '../../benchmark/compare-benchmarks.ts';
import { SUITE_VERSION, suiteParts } from '../../benchmark/suite.ts';
import type { BenchmarkOperationId } from '../../contract/benchmark-operations.ts';
import type { BenchmarkHead } from '../../contract/benchmarks.ts';
import { linkHeader } from '../../page/page.ts';
import type { Answering } from '../handler.ts';
import { startedJob } from '../jobs.ts';
import { newestFirst, partOf } from '../numbered-list.ts';
import { jsonResponse } from '../responses.ts';
import { headOf } from './benchmark-desk.ts';
import type { LoadSources } from './load-test-answers.ts';
import { mustBeToken } from './start-by-get.ts';

const PATH = '/api/v1/optimization/benchmark';

/** Answers the calls about benchmarks. */
export function benchmarkAnswers({
  benchmarks: desk,
  pager,
  serviceOf,
}: LoadSources): Pick<Answering, BenchmarkOperationId> {
  const started = (head: BenchmarkHead): Response => startedJob(head, `${PATH}/${head.id}`);
  return {
    getBenchmarks: async ({ query, url, principal }) => {
      const service = serviceOf(query.service);
      if (query.run === true) {
        mustBeToken(principal, PATH);
        return started(await desk.start(service, principal));
      }
      const newest = await desk.list(service, { edge: null, toward: 'older', limit: LOOK_BACK });
      const running = newest.find(({ state }) => state === 'running');
      const done = newest.find(({ state }) => state === 'done' || state === 'invalid');
      const { cursor, limit } = query;
      const open = pager.open({ cursor, limit, order: newestFirst, filter: { list: 'benchmarks', service } });
      const { items, page } = open.close(await desk.list(service, partOf(open)), ({ number }) => [String(number)]);
      const list = {
        service,
        suite: { version: SUITE_VERSION, parts: suiteParts },
        limits: desk.limits(principal),
        running: running === undefined ? null : desk.keptHeadOf(running),
        latest: done === undefined ? null : await desk.read(done.id),
        benchmarks: items.map((test) => desk.keptHeadOf(test)),
        page,
      };
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
    startBenchmark: async ({ query, principal }) => {
      if (principal === null) throw new TypeError('The operation takes a sign-in.');
      return started(await desk.start(serviceOf(query.service), principal));
    },
    getBenchmark: async ({ params }) => jsonResponse(await desk.read(String(params['id']))),
    stopBenchmark: async ({ params }) => jsonResponse(await desk.stop(String(params['id']))),
    compareBenchmarks: async ({ params, query }) => {
      const [after, before] = await Promise.all([desk.read(String(params['id'])), desk.read(query.with)]);
      const compared = compareBenchmarks(before.report, after.report);
      return jsonResponse({ before: headOf(before), after: headOf(after), ...compared });
    },
  };
}

/** The latest result is looked for among so many: others were stopped, or failed. */
const LOOK_BACK = 50;
