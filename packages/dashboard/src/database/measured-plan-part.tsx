import { useMutation } from '@tanstack/react-query';
import { ApiError } from '@teamflow/autopilot/client';
import type { MeasuredPlan, MeasuredStep } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { api } from '../session/api.ts';
import { FindingList } from './finding-list.tsx';
import { useAskedDatabase } from './use-database.ts';

/** From here on a step's estimate is pointed at. */
const MISJUDGED = 10;

/** Carries the statement out once, where it only reads, and shows of each step what was estimated and what came. */
export function MeasuredPlanPart({
  queryId,
  text,
}: {
  readonly queryId: string;
  readonly text: string;
}): ReactElement | null {
  const [values, setValues] = useState('');
  const asked = useAskedDatabase();
  const { data, error, isPending, mutate } = useMutation({
    mutationFn: () =>
      api.measureStatementPlan({ queryId, ...(values === '' ? {} : { parameters: values.split('\n') }) }, asked),
  });
  if (!/^[\s(]*(?:select|with|values|table)\b/i.test(text)) return null;
  return (
    <section aria-label="Estimated and measured">
      <div className="plan-measure">
        <label>
          Values of its parameters, one a line; none: typical ones
          <textarea rows={2} value={values} onChange={(event) => setValues(event.currentTarget.value)} />
        </label>
        <button type="button" className="quiet-button" disabled={isPending} onClick={() => mutate()}>
          {isPending ? 'Running it ...' : 'Run it once and compare'}
        </button>
      </div>
      {error !== null && (
        <p role="alert" className="card-note">
          {error instanceof ApiError ? `${error.problem.detail} ${error.problem.remedy ?? ''}` : error.message}
        </p>
      )}
      {data !== undefined && <Measured plan={data} />}
    </section>
  );
}

function Measured({ plan }: { readonly plan: MeasuredPlan }): ReactElement {
  return (
    <>
      <p className="card-note">
        Planned in {formatQuantity('duration', plan.planningMs)}, carried out in{' '}
        {formatQuantity('duration', plan.executionMs)}. {plan.notes.join(' ')}
      </p>
      <FindingList findings={plan.findings} />
      <ol className="plan-steps numbers">
        {plan.steps.map((step, index) => (
          // A plan stands still: steps have no identity but their place.
          <Step key={index} step={step} />
        ))}
      </ol>
    </>
  );
}

function Step({ step }: { readonly step: MeasuredStep }): ReactElement {
  const { depth, label, rows, condition, actualRows, loops, durationMs, pages, misjudged } = step;
  const isMisjudged = (misjudged ?? 1) >= MISJUDGED;
  return (
    <li style={{ paddingInlineStart: `${depth * 16}px` }}>
      <strong>{label}</strong>{' '}
      <span className="card-note">
        {actualRows === null ? (
          `estimated ${formatQuantity('count', rows)} rows, never reached`
        ) : (
          <>
            estimated {formatQuantity('count', rows)} rows, {formatQuantity('count', actualRows)} came
            {loops > 1 && ` in each of ${formatQuantity('count', loops)} loops`}
            {isMisjudged && (
              <strong className="plan-misjudged"> ({Number((misjudged ?? 1).toPrecision(2))} x off)</strong>
            )}
            ; {formatQuantity('duration', durationMs)}, {formatQuantity('count', pages)} pages
          </>
        )}
      </span>
      {condition !== null && <code>{condition}</code>}
    </li>
  );
}
