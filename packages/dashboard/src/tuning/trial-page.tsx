import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { TrialCanary, TrialDetail, TrialGuard, TrialStatement } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { formatSpan, momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { Plot } from '../load/plot.tsx';
import { api } from '../session/api.ts';
import { PageLink } from '../shell/page-link.tsx';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { effectText } from './recommendation-card.tsx';
import { SpreadStrip } from './spread-strip.tsx';
import { TrialState } from './trial-table.tsx';
import '../overview/overview.css';
import '../overview/tables.css';
import '../load/load.css';
import './tuning.css';

const ASK_EVERY_MS = 2000;

/** One trial: what was changed, what it did to each statement, and every step. */
export function TrialPage({ id }: { readonly id: string }): ReactElement {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isReverting, setIsReverting] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ['trial', id],
    queryFn: ({ signal }): Promise<TrialDetail> => api.getTrial(id, { signal }),
    refetchInterval: ASK_EVERY_MS,
  });
  if (error !== null && data === undefined) {
    const again = (): void => void refetch();
    return <ProblemPanel title="The trial can not be shown" failure={failureOf(error)} onRetry={again} />;
  }
  if (data === undefined) return <div className="overview load-page" aria-busy="true" />;
  const { subject, state, author, authorName, at, reason, predicted, measured, category, canary } = data;
  const revert = (): void => {
    setIsReverting(true);
    setTrouble(null);
    api
      .revertTrial(id)
      .then(() => refetch())
      .catch((failed: unknown) => setTrouble(failureOf(failed).detail))
      .finally(() => setIsReverting(false));
  };
  const isRevertible = category !== null && state !== 'reverted' && state !== 'refused' && state !== 'reverting';
  return (
    <div className="overview load-page">
      <header className="load-head">
        <PageLink to="/tuning">Tuning</PageLink>
        <h1 tabIndex={-1}>{subject}</h1>
        <span role="status">
          <TrialState state={state} />
        </span>
        <p className="load-quiet">
          By {authorName ?? author}, {momentText(Date.parse(at), 0)}
        </p>
        {isRevertible && (
          <Button size="xs" color="red" loading={isReverting} onClick={revert}>
            Take it back
          </Button>
        )}
      </header>
      <p className="load-reason">{reason}</p>
      {trouble !== null && (
        <p role="alert" className="load-trouble">
          {trouble}
        </p>
      )}
      {data.buildProgress !== null && (
        <progress max={1} value={data.buildProgress} aria-label="Progress of the build" />
      )}
      <dl className="load-tiles tuning-tiles">
        <Tile name="Predicted" value={predicted === null ? '–' : effectText(predicted)} />
        <Tile
          name="Measured"
          value={
            measured === null
              ? '–'
              : `${formatQuantity('ratio', measured.effect)} of the time (${formatQuantity('ratio', measured.low)} to ${formatQuantity('ratio', measured.high)}): ${measured.verdict}`
          }
        />
        <Tile name="Evidence" value={measured === null ? '–' : evidenceText(measured.evidence)} />
      </dl>
      {canary !== null && <p className="load-quiet">{canaryText(canary)}</p>}
      {data.moments.length > 1 && <Course trial={data} />}
      <Lines title="What was changed" lines={data.change} />
      <Lines title="What takes it back" lines={data.undo} />
      {data.statements.length > 0 && (
        <Statements title={isOfRoutes(category) ? 'Routes' : 'Statements'} statements={data.statements} />
      )}
      {data.guards.length > 0 && (
        <Guards guards={data.guards} isCanary={canary !== null && canary.promotedAt === null} />
      )}
      <section className="card tuning-card" aria-labelledby="trial-steps">
        <h2 className="card-title" id="trial-steps">
          Steps
        </h2>
        <ol className="tuning-steps">
          {data.steps.map(({ at: when, text }) => (
            <li key={`${when} ${text}`}>
              <time dateTime={when}>{momentText(Date.parse(when), 0)}</time> {text}
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

function Course({ trial: { moments } }: { readonly trial: TrialDetail }): ReactElement {
  const start = Date.parse(moments[0]?.at ?? '');
  const line = (name: string, phase: 'before' | 'after') => ({
    name,
    points: moments
      .filter((moment) => moment.phase === phase)
      .map(({ at, meanMs }) => ({ x: Date.parse(at) - start, y: meanMs })),
  });
  return (
    <Plot
      title="Time per call of the affected statements"
      lines={[line('before', 'before'), line('after', 'after')].filter(({ points }) => points.length > 0)}
      x={(value) => formatSpan(Math.max(0, value))}
      y={(value) => formatQuantity('duration', value)}
    />
  );
}

function Lines({ title, lines }: { readonly title: string; readonly lines: readonly string[] }): ReactElement {
  if (lines.length === 0) return <></>;
  return (
    <section className="card tuning-card">
      <h2 className="card-title">{title}</h2>
      <pre className="tuning-sql">
        <code>{lines.join('\n')}</code>
      </pre>
    </section>
  );
}

function Statements({
  title,
  statements,
}: {
  readonly title: string;
  readonly statements: readonly TrialStatement[];
}): ReactElement {
  return (
    <section className="card table-card" aria-labelledby="trial-statements">
      <header className="card-head">
        <h2 className="card-title" id="trial-statements">
          {title}, before and after
        </h2>
        <span className="card-note">
          how the time a call was spread <span className="tuning-side">before</span>{' '}
          <span className="tuning-side" data-side="after">
            after
          </span>
          : all, 80 %, the middle half and the median of the stretches that were measured
        </span>
      </header>
      <div className="table-scroll">
        <table className="numbers">
          <thead>
            <tr>
              <th scope="col">{title}</th>
              <th scope="col">Verdict</th>
              <th scope="col">Calls</th>
              <th scope="col">Time a call</th>
              <th scope="col">Spread</th>
              <th scope="col">Pages a call</th>
              <th scope="col">Effect</th>
              <th scope="col">Evidence</th>
            </tr>
          </thead>
          <tbody>
            {statements.map((one) => (
              <tr key={one.text}>
                <th scope="row" className="tuning-text">
                  <code>{one.text.slice(0, 200)}</code>
                </th>
                <td>{one.verdict}</td>
                <td>
                  {formatQuantity('count', one.callsBefore)} → {formatQuantity('count', one.callsAfter)}
                </td>
                <td>
                  {formatQuantity('duration', one.meanMsBefore)} → {formatQuantity('duration', one.meanMsAfter)}
                </td>
                <td>
                  <SpreadStrip before={one.spreadBefore} after={one.spreadAfter} />
                </td>
                <td>
                  {formatQuantity('average', one.buffersBefore)} → {formatQuantity('average', one.buffersAfter)}
                </td>
                <td>
                  {formatQuantity('ratio', one.effect)} ({formatQuantity('ratio', one.low)} to{' '}
                  {formatQuantity('ratio', one.high)})
                </td>
                <td>{evidenceText(one.evidence)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const guardNames: Readonly<Record<TrialGuard['metric'], string>> = {
  errors: 'Requests that fail',
  p99: 'p99 of requests',
  throughput: 'Requests that get through',
  processor: 'Processor time a request',
  memory: 'Memory of a process',
};
const guardKinds = { ratio: 'ratio', ms: 'duration', 'requests/s': 'rate', bytes: 'bytes' } as const;

function Guards({
  guards,
  isCanary,
}: {
  readonly guards: readonly TrialGuard[];
  readonly isCanary: boolean;
}): ReactElement {
  return (
    <section className="card table-card" aria-labelledby="trial-guards">
      <header className="card-head">
        <h2 className="card-title" id="trial-guards">
          What must not suffer
        </h2>
      </header>
      <div className="table-scroll">
        <table className="numbers">
          <thead>
            <tr>
              <th scope="col">Of the {isCanary ? 'instance that tries it' : 'whole service'}</th>
              <th scope="col">Before</th>
              <th scope="col">Newest</th>
              <th scope="col">Taken back beyond</th>
            </tr>
          </thead>
          <tbody>
            {guards.map(({ metric, unit, before, after, limit }) => (
              <tr key={metric}>
                <th scope="row">{guardNames[metric]}</th>
                <td>{formatQuantity(guardKinds[unit], before)}</td>
                <td>{formatQuantity(guardKinds[unit], after)}</td>
                <td>{formatQuantity(guardKinds[unit], limit)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Tile({ name, value }: { readonly name: string; readonly value: string }): ReactElement {
  return (
    <div className="card">
      <dt>{name}</dt>
      <dd className="tuning-value">{value}</dd>
    </div>
  );
}

/** Settings of the application are judged by its routes. */
function isOfRoutes(category: string | null): boolean {
  return category === 'configuration' || category === 'application';
}

function canaryText({ instance, others, promotedAt }: TrialCanary): string {
  const beside = others === 1 ? 'the other instance' : `${others} other instances`;
  return promotedAt === null
    ? `${instance} alone tries it, compared with ${beside} at the same time; all get it when it is kept.`
    : `${instance} tried it alone, compared with ${beside} at the same time; all were given it on ${momentText(Date.parse(promotedAt), 0)}.`;
}

/** Beyond a million it is certain, whatever the figure. */
function evidenceText(evidence: number): string {
  return evidence > 1e6 ? 'over 1,000,000 : 1' : `${formatQuantity('count', Math.round(evidence))} : 1`;
}
