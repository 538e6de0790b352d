import { observedWorkload } from '../../advise/observed-workload.ts';
import type { IndexAdviceRun } from '../../contract/index-advice.ts';
import type { IndexAdviceOperationId } from '../../contract/index-advice-operations.ts';
import type { Job } from '../../contract/load-tests.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import type { Answering } from '../handler.ts';
import { scopeOf } from '../performance/sources.ts';
import { jsonResponse } from '../responses.ts';
import { type DatabaseSources, knownStatements } from './answers.ts';

const PATH = '/api/v1/performance/database/indexes/advice';

/** Answers the calls about index advice, and those about jobs that are such; `others` has the other jobs. */
export function indexAdviceAnswers(
  { watched, performance, advice: desk }: Pick<DatabaseSources, 'watched' | 'performance' | 'advice'>,
  others: Pick<Answering, 'getJob' | 'cancelJob'>,
): Pick<Answering, IndexAdviceOperationId | 'getJob' | 'cancelJob'> {
  return {
    getIndexAdvice: async ({ query: { database } }) => jsonResponse(desk.read(watched.find(database).name)),
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
    getJob: async (call) => {
      const found = desk.find(String(call.params['id']));
      return found === null ? others.getJob(call) : jsonResponse(jobOf(found));
    },
    cancelJob: async (call) => {
      const id = String(call.params['id']);
      if (desk.find(id) === null) return others.cancelJob(call);
      desk.cancel(id);
      const run = desk.find(id);
      if (run === null) throw new AutopilotError('AP_JOB_UNKNOWN', `There is no job ${JSON.stringify(id)}.`);
      return jsonResponse(jobOf(run));
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
