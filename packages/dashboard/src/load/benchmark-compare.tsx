import { useQuery } from '@tanstack/react-query';
import type { BenchmarkHead } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { figure } from './benchmark-result.tsx';

interface BenchmarkCompareProps {
  readonly id: string;
  readonly benchmarks: readonly BenchmarkHead[];
}

const VERDICTS = {
  better: 'Better than before',
  worse: 'Worse than before',
  mixed: 'Better here, worse there',
  'no-difference': 'No difference shown',
  'not-comparable': 'Not comparable',
} as const;

/** Says what differs between this benchmark and another. */
export function BenchmarkCompare({ id, benchmarks }: BenchmarkCompareProps): ReactElement | null {
  const [before, setBefore] = useState('');
  const { data, error } = useQuery({
    queryKey: ['benchmark-comparison', id, before],
    queryFn: ({ signal }) => api.compareBenchmarks(id, before, { signal }),
    enabled: before !== '',
  });
  const others = benchmarks.filter((one) => one.id !== id && one.score !== null);
  if (others.length === 0) return null;
  return (
    <section className="card table-card" aria-labelledby="compare-benchmarks">
      <header className="card-head load-compare">
        <h2 className="card-title" id="compare-benchmarks">
          Compare
        </h2>
        <select
          className="bar-select"
          aria-label="Compare with"
          value={before}
          onChange={(event) => setBefore(event.target.value)}
        >
          <option value="">with one before ...</option>
          {others.map((one) => (
            <option key={one.id} value={one.id}>
              {momentText(Date.parse(one.startedAt), 0)}, score {one.score?.toFixed(1)}
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
      {data?.reasons.map((reason) => (
        <p key={reason} className="load-quiet load-note">
          {reason}
        </p>
      ))}
      {data !== undefined && data.figures.length > 0 && (
        <div className="table-scroll">
          <table className="numbers" aria-label="Comparison">
            <thead>
              <tr>
                <th scope="col">Figure</th>
                <th scope="col">Before</th>
                <th scope="col">This one</th>
                <th scope="col">Change</th>
                <th scope="col">Rounds leave open</th>
                <th scope="col">Verdict</th>
              </tr>
            </thead>
            <tbody>
              {data.figures.map(({ part, measure, unit, before: was, after, change, low, high, verdict }) => (
                <tr key={`${part} ${measure}`}>
                  <th scope="row">
                    {part} {measure}
                  </th>
                  <td>
                    {figure(was)} {unit}
                  </td>
                  <td>
                    {figure(after)} {unit}
                  </td>
                  <td>{changeText(change)}</td>
                  <td>
                    {changeText(low)} to {changeText(high)}
                  </td>
                  <td>{verdict === 'no-difference' ? 'no difference' : verdict}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function changeText(ratio: number): string {
  const percent = 100 * (ratio - 1);
  return `${percent > 0 ? '+' : ''}${percent.toFixed(1)} %`;
}
