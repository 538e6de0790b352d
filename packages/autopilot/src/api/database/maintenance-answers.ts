import type {
  AnalyzeOrder,
  DatabaseMaintenance,
  MaintenanceJob,
  VacuumOrder,
} from '../../contract/database-maintenance.ts';
import type { Job } from '../../contract/load-tests.ts';
import type { Principal } from '../../contract/principal.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import type { Answering } from '../handler.ts';
import type { JobSource } from '../jobs.ts';
import { jsonOf } from '../request-body.ts';
import { jsonResponse } from '../responses.ts';

import type { MaintenanceDesk, MaintenanceRequest } from './maintenance-desk.ts';
import { type DatabaseSources, scopeOfService } from './sources.ts';

type MaintenanceOperationId = 'getDatabaseMaintenance' | 'analyzeTables' | 'vacuumTables';

const RESULT = '/api/v1/performance/database/maintenance';

/** Answers the calls about maintenance. */
export function maintenanceAnswers({
  watched,
  performance,
  maintenance,
}: Pick<DatabaseSources, 'watched' | 'performance' | 'maintenance'>): Pick<Answering, MaintenanceOperationId> {
  const started = async (
    query: { readonly service?: string; readonly database?: string },
    request: MaintenanceRequest,
    principal: Principal | null,
  ): Promise<Response> => {
    const { service } = scopeOfService(performance, query);
    const job = await maintenance.start(query.database, request, { service, author: principal?.id ?? '' });
    return jsonResponse(jobOf(job), 202, { location: `/api/v1/jobs/${job.id}` });
  };
  return {
    getDatabaseMaintenance: async ({ query }) => {
      const { service } = scopeOfService(performance, query);
      const { runs, ...rest } = await maintenance.view(watched.find(query.database), service);
      const named = runs.map((one) => ({ ...one, authorName: performance.nameOf(service, 'user', one.author) }));
      return jsonResponse({ ...rest, runs: named } satisfies DatabaseMaintenance);
    },
    analyzeTables: async ({ query, body, principal }) => {
      const { tables } = (body === null ? {} : jsonOf(body, body.declared)) as AnalyzeOrder; // its shape was looked at
      return await started(query, { operation: 'analyze', ...(tables === undefined ? {} : { tables }) }, principal);
    },
    vacuumTables: async ({ query, body, principal }) => {
      const { tables, analyze, full, confirm } = (body === null ? {} : jsonOf(body, body.declared)) as VacuumOrder; // as above
      if (full === true && (tables?.length !== 1 || confirm !== tables[0])) {
        throw new AutopilotError(
          'AP_BODY_INVALID',
          'VACUUM FULL locks a table for as long as it is rewritten: it is done to one table, whose name has to be confirmed.',
          { remedy: 'Send {"tables": ["<table>"], "full": true, "confirm": "<table>"}.' },
        );
      }
      return await started(
        query,
        {
          operation: 'vacuum',
          ...(tables === undefined ? {} : { tables }),
          ...(analyze === undefined ? {} : { analyze }),
          ...(full === undefined ? {} : { full }),
        },
        principal,
      );
    },
  };
}

/** Maintenance as jobs. */
export function maintenanceJobs(desk: MaintenanceDesk): JobSource {
  return {
    find: (id) => {
      const job = desk.job(id);
      return Promise.resolve(job === null ? null : jobOf(job));
    },
    cancel: (id) => desk.cancel(id),
  };
}

function jobOf({ id, operation, state, startedAt, endedAt, tables }: MaintenanceJob): Job {
  const reasons = tables.flatMap(({ table, reason }) => (reason === null ? [] : [`${table}: ${reason}`]));
  const progress = tables.reduce((sum, one) => sum + (one.state === 'waiting' ? 0 : one.progress), 0) / tables.length;
  return {
    id,
    kind: operation,
    state,
    progress: state === 'done' ? 1 : Math.min(1, progress),
    reason: reasons.length === 0 ? null : reasons.join(' '),
    startedAt,
    endedAt,
    result: RESULT,
  };
}
