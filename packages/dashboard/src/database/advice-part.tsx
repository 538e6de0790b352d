import { Button, Checkbox } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { IndexAdvice, IndexAdviceRun } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { AdvisedIndexCard } from './advised-index-card.tsx';
import { useAskedDatabase, useDatabase } from './use-database.ts';

const ASK_WHILE_RUNNING_MS = 1_000;

/** Which indexes the workload wants: worked out when it is asked for, shown until it is asked for again. */
export function AdvicePart(): ReactElement {
  const { data, failure, retry } = useDatabase(
    'index-advice',
    (query, options) => api.getIndexAdvice(query, options),
    (answer) => (answer?.running == null ? null : ASK_WHILE_RUNNING_MS),
  );
  if (failure !== null) return <ProblemPanel title="Index advice can not be shown" failure={failure} onRetry={retry} />;
  const advice = data?.latest?.advice ?? null;
  return (
    <>
      <section className="card" aria-labelledby="advice-title" aria-busy={data === undefined}>
        <header className="card-head">
          <h2 className="card-title" id="advice-title">
            Index advice
          </h2>
          {data?.latest != null && (
            <span className="card-note">
              worked out {new Date(data.latest.startedAt).toLocaleString()} by {data.latest.startedBy}
            </span>
          )}
        </header>
        <p className="advice-about">
          The server’s own planner says what each index would do, on a copy of the statistics: nothing runs on the
          database and nothing is changed.
        </p>
        {data !== undefined && <Start running={data.running} hasAdvice={advice !== null} />}
        {data?.latest != null && data.latest.state !== 'done' && (
          <p className="advice-trouble" role="alert">
            {data.latest.message}
          </p>
        )}
        {data?.outdated === true && (
          <p className="advice-trouble" role="status">
            Indexes have come, gone or changed since this was worked out.
          </p>
        )}
        {advice !== null && <Summary advice={advice} />}
      </section>
      {advice?.create.map((index) => (
        <AdvisedIndexCard key={index.ddl} index={index} />
      ))}
      {advice !== null && <Others advice={advice} />}
    </>
  );
}

function Start({
  running,
  hasAdvice,
}: {
  readonly running: IndexAdviceRun | null;
  readonly hasAdvice: boolean;
}): ReactElement {
  const asked = useAskedDatabase();
  const queries = useQueryClient();
  const [withoutSamples, setWithoutSamples] = useState(false);
  const onSettled = (): void => void queries.invalidateQueries({ queryKey: ['database', 'index-advice'] });
  const start = useMutation({
    mutationFn: () =>
      api.startIndexAdvice({
        ...asked,
        ...(withoutSamples ? { withoutSamples } : {}),
      }),
    onSettled,
  });
  const stop = useMutation({ mutationFn: (id: string) => api.cancelJob(id), onSettled });
  const error = start.error ?? stop.error;
  return (
    <div className="advice-actions">
      {running === null ? (
        <>
          <Button size="xs" loading={start.isPending} onClick={() => start.mutate()}>
            {hasAdvice ? 'Work it out again' : 'Work it out'}
          </Button>
          <Checkbox
            size="xs"
            label="Copy no values of rows"
            checked={withoutSamples}
            onChange={(event) => setWithoutSamples(event.currentTarget.checked)}
          />
        </>
      ) : (
        <>
          <progress value={running.progress} aria-label="How far the advice is" />
          <span>{running.message}</span>
          <Button size="xs" variant="default" loading={stop.isPending} onClick={() => stop.mutate(running.id)}>
            Cancel
          </Button>
        </>
      )}
      {error !== null && (
        <p className="advice-trouble" role="alert">
          {failureOf(error).detail}
        </p>
      )}
    </div>
  );
}

function Summary({ advice }: { readonly advice: IndexAdvice }): ReactElement {
  const { savedRatio, savedRatioInterval, coverage, create, drop, rejected, targetMs, targetStatements } = advice;
  const [low = savedRatio, high = savedRatio] = savedRatioInterval;
  const bytes = create.reduce((total, one) => total + one.bytes, 0);
  const facts: readonly (readonly [label: string, value: string])[] = [
    ['Saves', create.length === 0 ? '–' : formatQuantity('ratio', savedRatio)],
    ['Between', create.length === 0 ? '–' : `${formatQuantity('ratio', low)} and ${formatQuantity('ratio', high)}`],
    ['Takes', formatQuantity('bytes', bytes)],
    ['Statements planned', formatQuantity('count', coverage.statements)],
    ['Of all calls', formatQuantity('ratio', coverage.callsRatio)],
    ['Of all time', formatQuantity('ratio', coverage.timeRatio)],
    ...enginesOf(advice),
    ['To drop', formatQuantity('count', drop.length)],
    ['Ideas rejected', formatQuantity('count', rejected.length)],
    [
      'The database was asked',
      `${formatQuantity('count', targetStatements)} statements, ${formatQuantity('duration', targetMs)}`,
    ],
  ];
  return (
    <>
      <p className="advice-verdict">{advice.reason}</p>
      <dl className="resource-facts numbers">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** What planned it, and what that is worth. */
function enginesOf({
  engine,
  fidelity,
  secondOpinion,
}: IndexAdvice): readonly (readonly [label: string, value: string])[] {
  if (engine === 'hypopg') return [['Planned by', 'HypoPG on the database']];
  return [
    ['Planned as the server does', `${fidelity.same} of ${fidelity.compared}`],
    ['Costs off at most', formatQuantity('ratio', fidelity.maxCostError)],
    ...(secondOpinion == null
      ? []
      : [['HypoPG agrees', `${secondOpinion.same} of ${secondOpinion.statements}`] as const]),
  ];
}

/** What is to be dropped, what was rejected, what was left out, and where the copy planned otherwise. */
function Others({ advice }: { readonly advice: IndexAdvice }): ReactElement {
  const { drop, rejected, skipped, statistics, hints, notes, fidelity } = advice;
  return (
    <section className="card" aria-labelledby="advice-others-title">
      <header className="card-head">
        <h2 className="card-title" id="advice-others-title">
          What else was weighed
        </h2>
      </header>
      <Reasons title="To be dropped" rows={drop.map(({ ddl, reason }) => [ddl, reason])} isOpen />
      <Reasons
        title="Statistics that are missing"
        rows={statistics.map(({ ddl, fill, reason }) => [`${ddl}; ${fill};`, reason])}
        isOpen
      />
      <Reasons title="To be written otherwise" rows={hints.map(({ sql, hint }) => [sql, hint])} isOpen />
      <Reasons title="Rejected ideas" rows={rejected.map(({ ddl, reason }) => [ddl, reason])} />
      <Reasons title="Statements left out" rows={skipped.map(({ sql, reason }) => [sql, reason])} />
      <Reasons
        title="Planned otherwise than the server does"
        rows={fidelity.different.map(({ sql, real, shadow }) => [
          sql,
          `The server: ${real[0]?.trim() ?? ''}. The copy: ${shadow[0]?.trim() ?? ''}.`,
        ])}
      />
      {notes.map((note) => (
        <p key={note} className="card-note advice-note">
          {note}
        </p>
      ))}
    </section>
  );
}

function Reasons({
  title,
  rows,
  isOpen = false,
}: {
  readonly title: string;
  readonly rows: readonly (readonly [sql: string, reason: string])[];
  readonly isOpen?: boolean;
}): ReactElement | null {
  if (rows.length === 0) return null;
  return (
    <details className="advice-reasons" open={isOpen}>
      <summary>
        {title} ({rows.length})
      </summary>
      <ul>
        {rows.map(([sql, reason]) => (
          <li key={`${sql} ${reason}`}>
            <code>{sql}</code> {reason}
          </li>
        ))}
      </ul>
    </details>
  );
}
