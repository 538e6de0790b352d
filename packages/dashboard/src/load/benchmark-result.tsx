import { useQuery } from '@tanstack/react-query';
import type { BenchmarkMeasure } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { Author, StateMark } from './load-test-table.tsx';

/** One benchmark with everything that its score is made of. */
export function BenchmarkResult({ id }: { readonly id: string }): ReactElement {
  const { data, error } = useQuery({
    queryKey: ['benchmark', id],
    queryFn: ({ signal }) => api.getBenchmark(id, { signal }),
  });
  if (data === undefined) {
    return error === null ? (
      <section className="card" aria-busy="true" />
    ) : (
      <p className="load-trouble">{failureOf(error).detail}</p>
    );
  }
  const { report, score, state, reason, startedAt, author, authorName, target } = data;
  return (
    <section className="card table-card" aria-labelledby="benchmark-result">
      <header className="card-head load-head">
        <h2 className="card-title" id="benchmark-result">
          {score === null ? 'No score' : `Score ${score.toFixed(1)}`}
        </h2>
        <StateMark state={state} />
        <p className="load-quiet">
          {target}, by <Author author={author} authorName={authorName} />, {momentText(Date.parse(startedAt), 0)}
        </p>
      </header>
      {reason !== null && <p className="load-reason benchmark-reason">{reason}</p>}
      {report !== null && (
        <>
          <p className="load-quiet load-note">{report.composition}</p>
          <p className="load-quiet load-note">
            {report.machine.processor}, {report.machine.cores} cores,{' '}
            {formatQuantity('bytes', report.machine.memoryBytes)}, {report.machine.platform}, Node.js{' '}
            {report.machine.node}
            {report.machine.database !== null && `, PostgreSQL ${report.machine.database}`}
            {report.machine.releases.length > 0 && `, release ${report.machine.releases.join(', ')}`}
          </p>
          <div className="table-scroll">
            <table className="numbers benchmark-numbers" aria-label="Composition of the score">
              <thead>
                <tr>
                  <th scope="col">Measure</th>
                  <th scope="col">Value</th>
                  <th scope="col">Rounds</th>
                  <th scope="col">100 is</th>
                  <th scope="col">Score</th>
                </tr>
              </thead>
              {report.parts.map((part) => (
                <tbody key={part.id}>
                  <tr className="benchmark-part">
                    <th scope="rowgroup" colSpan={4}>
                      {part.id}
                      {part.leftOut === null
                        ? `, weight ${Math.round(100 * part.weight)} %`
                        : `: left out. ${part.leftOut}`}
                    </th>
                    <td>{part.score?.toFixed(1) ?? '–'}</td>
                  </tr>
                  {part.score !== null &&
                    part.measures.map((measure) => <MeasureRow key={measure.id} measure={measure} />)}
                </tbody>
              ))}
            </table>
          </div>
        </>
      )}
    </section>
  );
}

function MeasureRow({ measure }: { readonly measure: BenchmarkMeasure }): ReactElement {
  const { description, value, unit, rounds, reference, score, leftOut } = measure;
  return (
    <tr>
      <th scope="row">
        {description}
        {leftOut !== null && <span className="load-quiet"> left out: {leftOut}</span>}
      </th>
      <td>{value === null ? '–' : `${figure(value)} ${unit}`}</td>
      <td>{rounds.length === 0 ? '–' : `${figure(Math.min(...rounds))} to ${figure(Math.max(...rounds))}`}</td>
      <td>{`${figure(reference)} ${unit}`}</td>
      <td>{score?.toFixed(1) ?? '–'}</td>
    </tr>
  );
}

/** Three digits of it, whatever its size. */
export function figure(value: number): string {
  return value.toLocaleString(undefined, { maximumSignificantDigits: 3 });
}
