import { useQuery } from '@tanstack/react-query';
import { ApiError } from '@teamflow/autopilot/client';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { api } from '../session/api.ts';
import { FindingList } from './finding-list.tsx';
import { HistoryCharts, statementCharts } from './history-charts.tsx';

/** How the server would carry out a statement; asked for once, when it is opened. */
export function PlanPanel({ queryId }: { readonly queryId: string }): ReactElement {
  const { data, error } = useQuery({
    queryKey: ['plan', queryId],
    queryFn: ({ signal }) => api.getStatementPlan({ queryId }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error !== null) {
    const { problem } = error instanceof ApiError ? error : { problem: null };
    return (
      <p role="alert" className="plan">
        {problem === null ? error.message : `${problem.detail} ${problem.remedy ?? ''}`}
      </p>
    );
  }
  return (
    <div className="plan" aria-busy={data === undefined}>
      <ol className="plan-steps numbers">
        {data?.steps.map(({ depth, label, rows, cost, condition }, index) => (
          // A plan stands still: steps have no identity but their place.
          <li key={index} style={{ paddingInlineStart: `${depth * 16}px` }}>
            <strong>{label}</strong>{' '}
            <span className="card-note">
              {formatQuantity('count', rows)} rows, cost {formatQuantity('count', Math.round(cost))}
            </span>
            {condition !== null && <code>{condition}</code>}
          </li>
        ))}
      </ol>
      {data !== undefined && <FindingList findings={data.findings} />}
      <HistoryCharts charts={statementCharts} about={{ queryId }} />
      {data?.notes.map((note) => (
        <p key={note} className="card-note">
          {note}
        </p>
      ))}
    </div>
  );
}
