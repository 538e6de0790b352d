import type { LoadTestReport } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { formatSpan } from '../format/time.ts';
import { Plot } from './plot.tsx';

const seconds = (ms: number): string => (ms < 0 ? `-${formatSpan(-ms)}` : formatSpan(ms));
const number = (value: number): string => formatQuantity('average', value);
const duration = (value: number): string => formatQuantity('duration', value);
const bytes = (value: number): string => formatQuantity('bytes', value);

/** What a test found. */
export function LoadTestReportView({ report }: { readonly report: LoadTestReport }): ReactElement {
  const { seconds: windows, percentiles, vitals, levels, predictions, thresholds, steps, lines } = report;
  const over = (name: string, of: (window: LoadTestReport['seconds'][number]) => number | null) => ({
    name,
    points: windows.map((window) => ({ x: window.fromMs, y: of(window) })),
  });
  const vital = (
    title: string,
    field: 'cpuCores' | 'rssBytes' | 'eventLoopDelayMs' | 'databaseConnections',
    y: (value: number) => string,
  ) => {
    const points = vitals.map((sample) => ({ x: sample.atMs, y: sample[field] }));
    if (!points.some((point) => point.y !== null)) return null;
    return <Plot title={title} lines={[{ name: title, points }]} x={seconds} y={y} />;
  };
  const failures = steps.flatMap(({ name, errors, timedOut }) => [
    ...errors.map(({ kind, count }) => ({ name, kind, count })),
    ...(timedOut > 0 ? [{ name, kind: 'timed out', count: timedOut }] : []),
  ]);
  return (
    <>
      {thresholds.length > 0 && (
        <ul className="load-thresholds" aria-label="Thresholds">
          {thresholds.map(({ threshold, met }) => (
            <li key={threshold} data-met={met}>
              {met ? 'Met' : 'Missed'}: {threshold}
            </li>
          ))}
        </ul>
      )}
      <div className="load-plots">
        <Plot
          title="Response time"
          lines={[over('p50', (one) => one.p50Ms), over('p95', (one) => one.p95Ms), over('p99', (one) => one.p99Ms)]}
          x={seconds}
          y={duration}
        />
        <Plot
          title="Requests a second"
          lines={[
            over('done', (one) => one.ratePerSecond),
            over('failed', (one) => one.failed),
            over('timed out', (one) => one.timedOut),
          ]}
          x={seconds}
          y={number}
        />
        <Plot
          title="Response time by percentile"
          // Each further nine takes the same width.
          lines={[
            {
              name: 'response time',
              points: percentiles.map(({ ratio, ms }) => ({ x: -Math.log10(Math.max(1e-5, 1 - ratio)), y: ms })),
            },
          ]}
          x={(value) => `${Number((100 * (1 - 10 ** -value)).toFixed(3))} %`}
          y={duration}
        />
        {levels.length > 0 && (
          <Plot
            title="Done a second by requests at once"
            lines={(['met', 'missed', 'unclear'] as const).map((outcome) => ({
              name: outcome,
              points: levels
                .filter((level) => level.outcome === outcome)
                .map(({ concurrency, ratePerSecond }) => ({ x: concurrency, y: ratePerSecond })),
            }))}
            x={number}
            y={number}
            isScatter
          />
        )}
        {vital('Processor of the target, in cores', 'cpuCores', number)}
        {vital('Memory of the target', 'rssBytes', bytes)}
        {vital('Event-loop delay of the target', 'eventLoopDelayMs', duration)}
        {vital('Database connections of the target in use', 'databaseConnections', number)}
      </div>
      {levels.length > 0 && (
        <Table
          title="Levels"
          head={['Level', 'Outcome', 'Done a second', 'p50', 'p95', 'p99', 'Failed', 'At once']}
          rows={levels.map((level) => [
            number(level.level),
            level.outcome,
            number(level.ratePerSecond),
            formatQuantity('duration', level.p50Ms),
            formatQuantity('duration', level.p95Ms),
            formatQuantity('duration', level.p99Ms),
            formatQuantity('ratio', level.errorRatio),
            number(level.concurrency),
          ])}
        />
      )}
      {predictions.length > 0 && (
        <Table
          title="What its capacity model expects"
          head={['At once', 'Instances', 'Done a second', '90 % interval', 'Response time']}
          rows={predictions.map((one) => [
            number(one.concurrency),
            formatQuantity('count', one.instances),
            number(one.ratePerSecond),
            `${number(one.ratePerSecondLow)} to ${number(one.ratePerSecondHigh)}`,
            duration(one.responseMs),
          ])}
        />
      )}
      <Table
        title="Steps"
        head={['Step', 'Requests', 'Failed', 'Timed out', 'p50', 'p95', 'p99']}
        rows={steps.map((step) => [
          step.name,
          formatQuantity('count', step.requests),
          formatQuantity('count', step.failed),
          formatQuantity('count', step.timedOut),
          formatQuantity('duration', step.p50Ms),
          formatQuantity('duration', step.p95Ms),
          formatQuantity('duration', step.p99Ms),
        ])}
      />
      {failures.length > 0 && (
        <Table
          title="Errors by kind"
          head={['Step', 'Kind', 'Times']}
          rows={failures.map(({ name, kind, count }) => [name, kind, formatQuantity('count', count)])}
        />
      )}
      <details className="card load-words">
        <summary>In words</summary>
        <pre>{lines.join('\n')}</pre>
      </details>
    </>
  );
}

interface TableProps {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function Table({ title, head, rows }: TableProps): ReactElement {
  return (
    <section className="card table-card">
      <header className="card-head">
        <h2 className="card-title">{title}</h2>
      </header>
      <div className="table-scroll">
        <table className="numbers" aria-label={title}>
          <thead>
            <tr>
              {head.map((cell) => (
                <th key={cell} scope="col">
                  {cell}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([first, ...cells], at) => (
              // By place: names may come twice, a step having several kinds of errors, and rows never change places.
              <tr key={at}>
                <th scope="row">{first}</th>
                {cells.map((cell, index) => (
                  <td key={head[index + 1]}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
