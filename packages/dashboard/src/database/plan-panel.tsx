import { useQuery } from '@tanstack/react-query';
import { ApiError } from '@teamflow/autopilot/client';
import type { PlanEra, PlanStep } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import { api } from '../session/api.ts';
import { FindingList } from './finding-list.tsx';
import { HistoryCharts, statementCharts } from './history-charts.tsx';
import { MeasuredPlanPart } from './measured-plan-part.tsx';
import { useAskedDatabase } from './use-database.ts';

const HOUR_MS = 3_600_000;

/** How the server would carry out a statement; asked for once, when it is opened. */
export function PlanPanel({ queryId }: { readonly queryId: string }): ReactElement {
  const asked = useAskedDatabase();
  const { data, error } = useQuery({
    queryKey: ['plan', queryId, asked],
    queryFn: ({ signal }) => api.getStatementPlan({ ...asked, queryId }, { signal }),
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
      <PlanSteps steps={data?.steps ?? []} />
      {data !== undefined && <FindingList findings={data.findings} />}
      {data !== undefined && <MeasuredPlanPart queryId={queryId} text={data.text} />}
      {data !== undefined && data.history.length > 1 && <PlanHistory eras={data.history} />}
      <HistoryCharts charts={statementCharts} about={{ queryId }} />
      {data?.notes.map((note) => (
        <p key={note} className="card-note">
          {note}
        </p>
      ))}
    </div>
  );
}

function PlanSteps({ steps }: { readonly steps: readonly PlanStep[] }): ReactElement {
  return (
    <ol className="plan-steps numbers">
      {steps.map(({ depth, label, rows, cost, condition }, index) => (
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
  );
}

/** The plans that it had while it was watched, the latest first. */
function PlanHistory({ eras }: { readonly eras: readonly PlanEra[] }): ReactElement {
  return (
    <section aria-label="Plans that it had">
      {eras.map(({ fingerprint, sinceAt, lastAt, cost, steps }, at) => (
        <details key={fingerprint} className="advice-reasons">
          <summary>
            {at === 0 ? 'The plan' : 'A plan'} from {momentText(Date.parse(sinceAt), HOUR_MS)} to{' '}
            {momentText(Date.parse(lastAt), HOUR_MS)}: {steps[0]?.label ?? ''}, cost{' '}
            {formatQuantity('count', Math.round(cost))}
          </summary>
          <PlanSteps steps={steps} />
        </details>
      ))}
    </section>
  );
}
