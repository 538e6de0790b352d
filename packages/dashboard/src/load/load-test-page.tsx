import { Button } from '@mantine/core';
import type { LoadTest } from '@teamflow/autopilot/contract';
import { type ReactElement, useEffect, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { formatSpan, momentText } from '../format/time.ts';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { PageLink } from '../shell/page-link.tsx';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { LoadTestCompare } from './load-test-compare.tsx';
import { LoadTestReportView } from './load-test-report.tsx';
import { Author, StateMark } from './load-test-table.tsx';
import { Plot } from './plot.tsx';
import '../overview/overview.css';
import '../overview/tables.css';
import '../range/range-control.css';
import './load.css';

/** One load test: live while it runs, then what it found. */
export function LoadTestPage({ id }: { readonly id: string }): ReactElement {
  const [test, setTest] = useState<LoadTest | null>(null);
  const [failure, setFailure] = useState<StreamFailure | null>(null);
  const [turn, setTurn] = useState(0);
  const [isStopping, setIsStopping] = useState(false);
  useEffect(() => {
    const left = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const now of api.streamLoadTest(id, { signal: left.signal })) {
        setTest(now);
        if (now.state !== 'running') return;
      }
    };
    follow().catch((error: unknown) => setFailure(failureOf(error)));
    return () => left.abort();
  }, [id, turn]);
  if (failure !== null) {
    const again = (): void => {
      setFailure(null);
      setTurn(turn + 1);
    };
    return <ProblemPanel title="The load test can not be shown" failure={failure} onRetry={again} />;
  }
  if (test === null) return <div className="overview load-page" aria-busy="true" />;
  const stop = (): void => {
    setIsStopping(true);
    api.stopLoadTest(id).catch((error: unknown) => setFailure(failureOf(error)));
  };
  const { name, state, kind, target, author, authorName, startedAt, reason } = test;
  return (
    <div className="overview load-page">
      <header className="load-head">
        <PageLink to="/load">Load tests</PageLink>
        <h1 tabIndex={-1}>{name}</h1>
        <span role="status">
          <StateMark state={state} />
        </span>
        <p className="load-quiet">
          {kind} against {target}, by <Author author={author} authorName={authorName} />,{' '}
          {momentText(Date.parse(startedAt), 0)}
        </p>
        {state === 'running' && (
          <Button size="xs" color="red" loading={isStopping} onClick={stop}>
            Stop
          </Button>
        )}
      </header>
      {reason !== null && <p className="load-reason">{reason}</p>}
      {state === 'running' ? <Live test={test} /> : <Ended test={test} />}
    </div>
  );
}

const seconds = (ms: number): string => formatSpan(Math.max(0, ms));

function Live({ test: { moments, levels } }: { readonly test: LoadTest }): ReactElement {
  const last = moments.at(-1);
  // Levels of a stress test each begin at 0.
  const at = moments.map((_, index) => 1000 * index);
  const line = (name: string, of: (moment: LoadTest['moments'][number]) => number | null) => ({
    name,
    points: moments.map((moment, index) => ({ x: at[index] ?? 0, y: of(moment) })),
  });
  return (
    <>
      <dl className="load-tiles">
        <Tile name="Phase" value={last?.phase ?? 'starting'} />
        <Tile
          name="Time"
          value={last === undefined ? '–' : `${seconds(last.elapsedMs)} of ${seconds(last.durationMs)}`}
        />
        <Tile name="Requests" value={formatQuantity('count', last?.requests)} />
        <Tile name="A second" value={formatQuantity('average', last?.ratePerSecond)} />
        <Tile name="p95" value={formatQuantity('duration', last?.p95Ms)} />
        <Tile name="p99" value={formatQuantity('duration', last?.p99Ms)} />
        <Tile name="Failed" value={formatQuantity('count', last === undefined ? null : last.failed + last.timedOut)} />
      </dl>
      {last !== undefined && (
        <progress max={last.durationMs} value={last.elapsedMs} aria-label="Progress of the test" />
      )}
      <div className="load-plots">
        <Plot title="Requests a second" lines={[line('done', (one) => one.ratePerSecond)]} x={seconds} y={numberText} />
        <Plot
          title="Response time"
          lines={[line('p50', (one) => one.p50Ms), line('p95', (one) => one.p95Ms), line('p99', (one) => one.p99Ms)]}
          x={seconds}
          y={durationText}
        />
        <Plot
          title="Failed and timed out so far"
          lines={[line('failed', (one) => one.failed), line('timed out', (one) => one.timedOut)]}
          x={seconds}
          y={numberText}
        />
      </div>
      {levels.length > 0 && (
        <p className="load-quiet" role="status">
          Levels so far: {levels.map(({ level, outcome }) => `${numberText(level)} ${outcome}`).join(', ')}
        </p>
      )}
    </>
  );
}

function Ended({ test }: { readonly test: LoadTest }): ReactElement {
  const { report, summary, id, service } = test;
  return (
    <>
      {summary !== null && (
        <dl className="load-tiles">
          <Tile name="Requests" value={formatQuantity('count', summary.requests)} />
          <Tile name="A second" value={formatQuantity('average', summary.ratePerSecond)} />
          <Tile name="p50" value={formatQuantity('duration', summary.p50Ms)} />
          <Tile name="p95" value={formatQuantity('duration', summary.p95Ms)} />
          <Tile name="p99" value={formatQuantity('duration', summary.p99Ms)} />
          <Tile name="Failed" value={formatQuantity('ratio', summary.errorRatio)} />
          {summary.knee !== null && (
            <Tile name="Knee" value={`${numberText(summary.knee)} ${summary.kneeUnit ?? ''}`} />
          )}
        </dl>
      )}
      {report !== null && (
        <>
          <LoadTestReportView report={report} />
          <LoadTestCompare id={id} service={service} />
        </>
      )}
    </>
  );
}

function Tile({ name, value }: { readonly name: string; readonly value: string }): ReactElement {
  return (
    <div className="card">
      <dt>{name}</dt>
      <dd className="numbers">{value}</dd>
    </div>
  );
}

const numberText = (value: number): string => formatQuantity('average', value);
const durationText = (value: number): string => formatQuantity('duration', value);
