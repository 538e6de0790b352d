import { observedWorkload } from '../../advise/observed-workload.ts';
import type { IndexAdviceRun } from '../../contract/index-advice.ts';
import type { IndexAdviceOperationId } from '../../contract/index-advice-operations.ts';
import type { Job } from '../../contract/load-tests.ts';
import type { Answering } from '../handler.ts';
import type { JobSource } from '../jobs.ts';
import { scopeOf } from '../performance/sources.ts';
import { jsonResponse } from '../responses.ts';
import { knownStatements } from './answers.ts';
import type { IndexAdviceDesk } from './index-advice-desk.ts';
import type { DatabaseSources } from './sources.ts';

const PATH = '/api/v1/performance/database/indexes/advice';

/** Answers the calls about index advice. */
export function indexAdviceAnswers({
  watched,
  performance,
  advice: desk,
}: Pick<DatabaseSources, 'watched' | 'performance' | 'advice'>): Pick<Answering, IndexAdviceOperationId> {
  return {
    getIndexAdvice: async ({ query: { database } }) => jsonResponse(await desk.read(watched.find(database))),
    startIndexAdvice: async ({ query, principal }) => {
      if (principal === null) throw new TypeError('The operation takes a sign-in.');
      const watch = watched.find(query.database);
      const serviceQuery = query.service === undefined ? {} : { service: query.service };
      scopeOf(performance, serviceQuery); // Refuses a service that is not known.
      const run = desk.start(
        watch,
        async () => observedWorkload((await knownStatements(performance, watch, serviceQuery)).all),
        query,
        principal.id,
      );
      return jsonResponse(jobOf(run), 202, { location: `/api/v1/jobs/${run.id}` });
    },
  };
}

/** Index advice as jobs. */
export function indexAdviceJobs(desk: IndexAdviceDesk): JobSource {
  return {
    find: (id) => {
      const run = desk.find(id);
      return Promise.resolve(run === null ? null : jobOf(run));
    },
    cancel: (id) => {
      desk.cancel(id);
      return Promise.resolve();
    },
  };
}

function jobOf({ id, database, state, progress, message, startedAt, endedAt }: IndexAdviceRun): Job {
  return {
    id,
    kind: 'index-advice',
    state,
    progress,
    reason: state === 'done' ? null : message,
    startedAt,
    endedAt,
    result: `${PATH}?database=${encodeURIComponent(database)}`,
  };
}
