import { useQuery } from '@tanstack/react-query';
import type { LoadTestFigure } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';

const VERDICTS = {
  better: 'Better than before',
  worse: 'Worse than before',
  'no-difference': 'No difference shown',
  'not-enough-data': 'Not enough data',
} as const;

/** Says whether this test really differs from another. */
export function LoadTestCompare({ id, service }: { readonly id: string; readonly service: string }): ReactElement {
  const [before, setBefore] = useState('');
  const list = useQuery({
    queryKey: ['load-tests-to-compare', service],
    queryFn: ({ signal }) => api.getLoadTests({ service, limit: 100 }, { signal }),
  });
  const { data, error } = useQuery({
    queryKey: ['load-test-comparison', id, before],
    queryFn: ({ signal }) => api.compareLoadTests(id, before, { signal }),
    enabled: before !== '',
  });
  const others = (list.data?.tests ?? []).filter((test) => test.id !== id && test.summary !== null);
  return (
    <section className="card table-card" aria-labelledby="compare-loads">
      <header className="card-head load-compare">
        <h2 className="card-title" id="compare-loads">
          Compare
        </h2>
        <select
          className="bar-select"
          aria-label="Compare with"
          value={before}
          onChange={(event) => setBefore(event.target.value)}
        >
          <option value="">with a test before ...</option>
          {others.map((test) => (
            <option key={test.id} value={test.id}>
              {test.name}, {momentText(Date.parse(test.startedAt), 0)}
            </option>
          ))}
        </select>
        {data !== undefined && (
          <strong role="status" data-verdict={data.verdict}>
            {VERDICTS[data.verdict]}
          </strong>
        )}
      </header>
      {error !== null && <p className="load-trouble">{failureOf(error).detail}</p>}
      {data !== undefined && (
        <>
          {data.figures.length > 0 && (
            <div className="table-scroll">
              <table className="numbers" aria-label="Comparison">
                <thead>
                  <tr>
                    <th scope="col">Figure</th>
                    <th scope="col">Before</th>
                    <th scope="col">This test</th>
                    <th scope="col">Change</th>
                    <th scope="col">Interval</th>
                    <th scope="col">Verdict</th>
                  </tr>
                </thead>
                <tbody>
                  {data.figures.map((figure) => (
                    <tr key={figure.figure}>
                      <th scope="row">{figure.figure}</th>
                      <td>{valueOf(figure, figure.before)}</td>
                      <td>{valueOf(figure, figure.after)}</td>
                      <td>{changeOf(figure, figure.change)}</td>
                      <td>
                        {changeOf(figure, figure.low)} to {changeOf(figure, figure.high)}
                      </td>
                      <td>{figure.verdict}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {data.reasons.map((reason) => (
            <p key={reason} className="load-quiet load-note">
              {reason}
            </p>
          ))}
        </>
      )}
    </section>
  );
}

function valueOf({ figure }: LoadTestFigure, value: number): string {
  return formatQuantity(figure === 'errorRatio' ? 'ratio' : 'duration', value);
}

/** Latencies change by a ratio, error ratios by a difference. */
function changeOf({ figure }: LoadTestFigure, change: number): string {
  const ratio = 100 * (figure === 'errorRatio' ? change : change - 1);
  return `${ratio > 0 ? '+' : ''}${ratio.toFixed(1)} %`;
}
