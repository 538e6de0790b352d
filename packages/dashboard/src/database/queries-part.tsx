import {
  isPlannable,
  type SlowStatement,
  type SlowStatementSort,
  type StatementCaller,
} from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import { CallingRoutes } from '../overview/calling-routes.tsx';
import { LimitNotes } from '../overview/limit-notes.tsx';
import type { Order } from '../overview/row-order.ts';
import { ShareBar } from '../overview/share-bar.tsx';
import { StatementText } from '../overview/statement-text.tsx';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import type { UsageColumn } from '../usage/consumption-columns.tsx';
import { UsageTable } from '../usage/usage-table.tsx';
import { FindingMarks, GapNotes } from './finding-list.tsx';
import { PlanPanel } from './plan-panel.tsx';
import { useDatabase } from './use-database.ts';

const MOST_ROWS = 200;
const HOUR_MS = 3_600_000;

type Sort = SlowStatementSort | 'timeShare';
type Column = UsageColumn<SlowStatement, Sort>;

const number = (
  column: Sort,
  label: string,
  title: string,
  room: Column['room'],
  value: (row: SlowStatement) => number | null,
  kind: Parameters<typeof formatQuantity>[0],
): Column => ({
  column,
  label,
  title,
  first: 'descending',
  room,
  value,
  cell: (row) => formatQuantity(kind, value(row)),
});

const numbers: readonly Column[] = [
  {
    column: 'timeShare',
    label: 'Time',
    title: 'Share of the time that all statements took',
    first: 'descending',
    room: 'always',
    value: ({ timeShare }) => timeShare,
    cell: ({ timeShare }) => <ShareBar share={timeShare} color="blue" />,
  },
  number('calls', 'Calls', 'How often it was called', 'tablet', ({ calls }) => calls, 'count'),
  number('meanMs', 'Mean', 'Time of a call on average, on the server', 'tablet', ({ meanMs }) => meanMs, 'duration'),
  number('p95Ms', 'p95', '95 % of the calls, as applications saw them', 'desk', ({ p95Ms }) => p95Ms, 'duration'),
  number('tempBytes', 'Spilled', 'Temporary files it wrote', 'desk', ({ tempBytes }) => tempBytes, 'bytes'),
  number('walBytes', 'WAL', 'Write-ahead log it made', 'desk', ({ walBytes }) => walBytes, 'bytes'),
];

/** `planned`: the statement whose plan is open. */
function nameColumn(planned: string | null, setPlanned: (queryId: string | null) => void): Column {
  return {
    column: 'name',
    label: 'Statement',
    title: 'Its text without literals, what is odd about it, and the routes that call it',
    first: 'ascending',
    room: 'always',
    value: ({ text }) => text,
    cell: ({ text, findings, routes, queryId }) => (
      <>
        <StatementText text={text} />
        <FindingMarks findings={findings} />
        {routes.length > 0 && <CallingRoutes routes={routes.map(({ route }) => route)} />}
        <CallingPlaces callers={routes} />
        <CallingTenants callers={routes} />
        {queryId !== null && isPlannable(text) && (
          <button
            type="button"
            className="quiet-button plan-button"
            aria-expanded={planned === queryId}
            onClick={() => setPlanned(planned === queryId ? null : queryId)}
          >
            {planned === queryId ? 'Hide the plan' : 'Show the plan'}
          </button>
        )}
        {planned !== null && planned === queryId && <PlanPanel queryId={queryId} />}
      </>
    ),
  };
}

const MOST_PLACES = 3;

/** Where in the application it is sent from, what called it behind when pointed at. */
function CallingPlaces({ callers }: { readonly callers: readonly StatementCaller[] }): ReactElement | null {
  const places = new Map(callers.flatMap(({ frames }) => (frames[0] === undefined ? [] : [[frames[0], frames]])));
  if (places.size === 0) return null;
  return (
    <ul className="calling-places" aria-label="Sent from">
      {[...places].slice(0, MOST_PLACES).map(([place, frames]) => (
        <li key={place}>
          <code title={frames.join(' < ')}>{place}</code>
        </li>
      ))}
    </ul>
  );
}

/** Whose requests send it, a few of them, as they were seen. */
function CallingTenants({ callers }: { readonly callers: readonly StatementCaller[] }): ReactElement | null {
  const tenants = new Map(
    callers.flatMap((caller) => caller.tenants.map(({ tenant, name }) => [tenant, name ?? tenant])),
  );
  if (tenants.size === 0) return null;
  return (
    <p className="calling-tenants" title="Whose requests sent it when it was looked at, once a second">
      for {[...tenants.values()].slice(0, MOST_PLACES).join(', ')}
      {tenants.size > MOST_PLACES && ' and others'}
    </p>
  );
}

/** Statements as the server counts them and the applications saw them, with a plan on request. */
export function QueriesPart(): ReactElement {
  const [order, setOrder] = useState<Order<Sort | 'name'>>({ column: 'timeShare', direction: 'descending' });
  const [planned, setPlanned] = useState<string | null>(null);
  const [isSlowOnly, setSlowOnly] = useState(false);
  const sort: SlowStatementSort = order.column === 'name' || order.column === 'timeShare' ? 'totalMs' : order.column;
  const { data, failure, retry } = useDatabase(`queries ${sort} ${isSlowOnly}`, (query, options) =>
    api.listSlowQueries({ ...query, sort, limit: MOST_ROWS, ...(isSlowOnly ? {} : { thresholdMs: 0 }) }, options),
  );
  if (failure !== null) {
    return <ProblemPanel title="The statements can not be shown" failure={failure} onRetry={retry} />;
  }
  return (
    <>
      <GapNotes gaps={data?.gaps} />
      {data !== undefined && <LimitNotes notes={data.notes} overflow={{}} />}
      {data !== undefined && (
        <p className="card-note">
          {data.range === null
            ? 'Counts are since the server began to count.'
            : `Counts are from ${momentText(Date.parse(data.range.from), HOUR_MS)} to ${momentText(Date.parse(data.range.to), HOUR_MS)}.`}
        </p>
      )}
      <label className="slow-only">
        <input type="checkbox" checked={isSlowOnly} onChange={(event) => setSlowOnly(event.currentTarget.checked)} />
        Only statements over the threshold of slow ones
      </label>
      <UsageTable<SlowStatement, Sort>
        id="statements"
        title={
          <h2 className="card-title" id="statements-title">
            Statements
          </h2>
        }
        noun="statements"
        nameOf={({ queryId, role, statement, text }) => `${text} ${queryId ?? ''} ${role ?? ''} ${statement ?? ''}`}
        columns={[nameColumn(planned, setPlanned), ...numbers]}
        rows={data?.statements}
        isCut={data?.page.next != null}
        order={order}
        onOrder={setOrder}
        loop={undefined}
        empty="No statement has been counted yet."
      />
    </>
  );
}
