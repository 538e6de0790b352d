import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ApiError } from '@teamflow/autopilot/client';
import type { MaintenanceJob } from '@teamflow/autopilot/contract';
import type { ReactElement, ReactNode } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { useAskedDatabase, useDatabase } from './use-database.ts';

const DAY_MS = 86_400_000;
const LIVE_MS = 1_000;

interface Order {
  readonly operation: 'vacuum' | 'analyze' | 'cancel';
  /** A table, or the job that is cancelled. */
  readonly what: string;
  readonly analyze?: boolean;
}

/** What autovacuum is late for, runs of the autopilot with their progress, and how autovacuum should be set. */
export function MaintenancePart(): ReactElement {
  const client = useQueryClient();
  const asked = useAskedDatabase();
  const { data, failure, retry } = useDatabase(
    'maintenance',
    (query, options) => api.getDatabaseMaintenance(query, options),
    (answer) => (answer?.jobs.some(({ state }) => state === 'running') ? LIVE_MS : null),
  );
  const order = useMutation({
    mutationFn: ({ operation, what, analyze = false }: Order) =>
      operation === 'cancel'
        ? api.cancelJob(what)
        : operation === 'vacuum'
          ? api.vacuumTables({ tables: [what], analyze }, asked)
          : api.analyzeTables({ tables: [what] }, asked),
    onSettled: () => client.invalidateQueries({ queryKey: ['database', 'maintenance'] }),
  });
  if (failure !== null) {
    return <ProblemPanel title="Maintenance can not be shown" failure={failure} onRetry={retry} />;
  }
  const running = data?.jobs.find(({ state }) => state === 'running');
  return (
    <>
      <section className="card" aria-labelledby="maintenance-due-title" aria-busy={data === undefined}>
        <header className="card-head">
          <h2 className="card-title" id="maintenance-due-title">
            Late
          </h2>
          <span className="card-note">
            {data?.automatic === true ? 'done by itself' : 'done when somebody asks (maintenance.automatic is off)'}
          </span>
        </header>
        {data?.refusal != null && <p className="card-note">Nothing begins now: {data.refusal}</p>}
        {order.error !== null && (
          <p role="alert" className="card-note">
            {order.error instanceof ApiError ? order.error.problem.detail : order.error.message}
          </p>
        )}
        {data?.due.length === 0 && <p className="card-empty">Autovacuum keeps up.</p>}
        <ul className="database-findings">
          {data?.due.map(({ table, operation, analyze, reason, sql }) => (
            <li key={table} data-severity="warning">
              <p>
                <strong>{table}</strong> {reason}
              </p>
              <code className="finding-sql">{sql}</code>
              <button
                type="button"
                className="quiet-button"
                disabled={running !== undefined || order.isPending}
                onClick={() => order.mutate({ operation, what: table, analyze })}
              >
                {operation === 'vacuum' ? 'Vacuum it' : 'Analyze it'}
              </button>
            </li>
          ))}
          {data?.blockers.map(({ kind, name, age }) => (
            <li key={`${kind} ${name}`}>
              <p>
                The {kind} <strong>{name}</strong> keeps dead rows of the last {formatQuantity('count', age)}{' '}
                transactions.
              </p>
            </li>
          ))}
        </ul>
      </section>
      {running !== undefined && (
        <Card title="Under way">
          <JobProgress job={running} />
          <button
            type="button"
            className="quiet-button"
            onClick={() => order.mutate({ operation: 'cancel', what: running.id })}
          >
            Cancel
          </button>
        </Card>
      )}
      {data !== undefined && data.advice.length > 0 && (
        <Card title="Settings of tables">
          <ul className="database-findings">
            {data.advice.map(({ table, because, vacuumsPerDayNow, vacuumsPerDay, sql }) => (
              <li key={table}>
                <p>
                  <strong>{table}</strong> {because} Then {perDay(vacuumsPerDay)}, now {perDay(vacuumsPerDayNow)}.
                </p>
                <code className="finding-sql">{sql}</code>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card title="Runs">
        {data?.runs.length === 0 && <p className="card-empty">The autopilot has not vacuumed or analyzed anything.</p>}
        <ul className="database-findings">
          {data?.runs.map(({ order: id, table, operation, state, reason, byItself, author, authorName, at }) => (
            <li key={id} {...(state === 'ended' || state === 'refused' ? { 'data-severity': 'warning' } : {})}>
              <p>
                <strong>
                  {operation} {table}
                </strong>{' '}
                {state}, {momentText(Date.parse(at), DAY_MS)}, {byItself ? 'by itself' : `for ${authorName ?? author}`}
              </p>
              {state !== 'done' && <p className="finding-remedy">{reason}</p>}
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}

function Card({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactElement {
  const id = `maintenance-${title.toLowerCase().replaceAll(' ', '-')}-title`;
  return (
    <section className="card" aria-labelledby={id}>
      <header className="card-head">
        <h2 className="card-title" id={id}>
          {title}
        </h2>
      </header>
      {children}
    </section>
  );
}

function JobProgress({ job }: { readonly job: MaintenanceJob }): ReactElement {
  return (
    <ul className="database-findings" aria-live="polite">
      {job.tables.map(({ table, state, phase, progress }) => (
        <li key={table}>
          <p>
            <strong>{table}</strong> {phase ?? state}
          </p>
          <progress aria-label={`${job.operation} ${table}`} value={progress} max={1} />
        </li>
      ))}
    </ul>
  );
}

function perDay(times: number): string {
  return times >= 1
    ? `${Number(times.toPrecision(2))} times a day`
    : `every ${Number((1 / times).toPrecision(2))} days`;
}
