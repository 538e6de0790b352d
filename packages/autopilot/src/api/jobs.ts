import type { Job } from '../contract/load-tests.ts';
import { AutopilotError } from '../kernel/errors.ts';
import type { Answering } from './handler.ts';
import { jsonResponse } from './responses.ts';

/** A desk that does long work. */
export interface JobSource {
  /** null: none of its jobs has this id. */
  find(id: string): Promise<Job | null>;
  cancel(id: string): Promise<void>;
}

/** 202 for work that has begun: the job to ask how it goes, and where the representation sent with it can be had again. */
export function startedJob(head: { readonly id: string }, path: string): Response {
  return jsonResponse(head, 202, { location: `/api/v1/jobs/${head.id}`, 'content-location': path });
}

/** Answers the calls about long work, whichever desk does it. */
export function jobAnswers(sources: readonly JobSource[]): Pick<Answering, 'getJob' | 'cancelJob'> {
  const find = async (id: string): Promise<{ readonly job: Job; readonly source: JobSource }> => {
    for (const source of sources) {
      const job = await source.find(id);
      if (job !== null) return { job, source };
    }
    throw new AutopilotError('AP_JOB_UNKNOWN', `There is no job ${JSON.stringify(id)}.`);
  };
  return {
    getJob: async ({ params }) => jsonResponse((await find(String(params['id']))).job),
    cancelJob: async ({ params }) => {
      const id = String(params['id']);
      const { source } = await find(id);
      await source.cancel(id);
      return jsonResponse((await find(id)).job);
    },
  };
}
