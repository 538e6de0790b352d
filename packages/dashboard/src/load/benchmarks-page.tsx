import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { BenchmarkHead, BenchmarkList } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { useSelection } from '../shell/use-selection.ts';
import { BenchmarkCompare } from './benchmark-compare.tsx';
import { BenchmarkResult } from './benchmark-result.tsx';
import { Author, StateMark } from './load-test-table.tsx';
import { Plot } from './plot.tsx';
import '../overview/overview.css';
import '../overview/tables.css';
import '../range/range-control.css';
import './load.css';

const ASK_EVERY_MS = 1000;
const SHOWN = 50;
const PARTS = ['runtime', 'compression', 'database', 'api'] as const;

/** Starts benchmarks, and shows the latest with all that its score is made of, those before, and what differs. */
export function BenchmarksPage(): ReactElement {
  const { service } = useSelection();
  const [cursor, setCursor] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const query = { ...(service === null ? {} : { service }), limit: SHOWN, ...(cursor === null ? {} : { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: ['benchmarks', query],
    queryFn: ({ signal }): Promise<BenchmarkList> => api.getBenchmarks(query, { signal }),
    refetchInterval: ASK_EVERY_MS,
  });
  if (error !== null && data === undefined) {
    const again = (): void => void refetch();
    return <ProblemPanel title="The benchmarks can not be shown" failure={failureOf(error)} onRetry={again} />;
  }
  if (data === undefined) return <div className="overview load-page" aria-busy="true" />;
  const { benchmarks, page, latest } = data;
  const shown = chosen ?? latest?.id ?? null;
  const scored = benchmarks.filter(({ score, state }) => score !== null && state === 'done').toReversed();
  const startOf = (at: number): string => momentText(Date.parse(scored[Math.round(at)]?.startedAt ?? ''), 0);
  return (
    <div className="overview load-page">
      <h1 tabIndex={-1}>Benchmark</h1>
      <Start list={data} onStarted={() => void refetch()} />
      {shown !== null && <BenchmarkResult key={shown} id={shown} />}
      {scored.length > 1 && (
        <div className="load-plots">
          <Plot
            title="Score, one run after the other"
            lines={[{ name: 'score', points: scored.map(({ score }, at) => ({ x: at, y: score })) }]}
            x={startOf}
            y={(value) => value.toFixed(0)}
          />
          <Plot
            title="Scores of the parts"
            lines={PARTS.map((part) => ({
              name: part,
              points: scored.map(({ scores }, at) => ({
                x: at,
                y: scores.find((one) => one.part === part)?.score ?? null,
              })),
            }))}
            x={startOf}
            y={(value) => value.toFixed(0)}
          />
        </div>
      )}
      {shown !== null && <BenchmarkCompare key={`compare ${shown}`} id={shown} benchmarks={benchmarks} />}
      <section className="card table-card" aria-labelledby="benchmarks-title">
        <header className="card-head">
          <h2 className="card-title" id="benchmarks-title">
            History
          </h2>
        </header>
        {benchmarks.length === 0 ? (
          <p className="card-empty">No benchmark has been run yet.</p>
        ) : (
          <div className="table-scroll">
            <table className="numbers" id="benchmarks">
              <thead>
                <tr>
                  <th scope="col">Started</th>
                  <th scope="col">State</th>
                  <th scope="col">Score</th>
                  <th scope="col">Runtime</th>
                  <th scope="col">Compression</th>
                  <th scope="col">Database</th>
                  <th scope="col">API</th>
                  <th scope="col">Suite</th>
                  <th scope="col">By</th>
                </tr>
              </thead>
              <tbody>
                {benchmarks.map((one) => (
                  <tr key={one.id} aria-current={one.id === shown ? true : undefined}>
                    <th scope="row">
                      <Button size="compact-xs" variant="default" onClick={() => setChosen(one.id)}>
                        {momentText(Date.parse(one.startedAt), 0)}
                      </Button>
                    </th>
                    <td>
                      <StateMark state={one.state} />
                    </td>
                    <td>{one.score?.toFixed(1) ?? '–'}</td>
                    {PARTS.map((part) => (
                      <td key={part}>{scoreOf(one, part)}</td>
                    ))}
                    <td>{one.suite}</td>
                    <td>
                      <Author author={one.author} authorName={one.authorName} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {(page.previous !== null || page.next !== null) && (
          <nav className="load-pages" aria-label="Pages of benchmarks">
            <Button
              size="compact-sm"
              variant="default"
              disabled={page.previous === null}
              onClick={() => setCursor(page.previous)}
            >
              Newer
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              disabled={page.next === null}
              onClick={() => setCursor(page.next)}
            >
              Older
            </Button>
          </nav>
        )}
      </section>
    </div>
  );
}

function scoreOf({ scores }: BenchmarkHead, part: string): string {
  return scores.find((one) => one.part === part)?.score.toFixed(1) ?? '–';
}

/** The suite and its limits, the button, and how the one that runs gets on. */
function Start({ list, onStarted }: { readonly list: BenchmarkList; readonly onStarted: () => void }): ReactElement {
  const { suite, limits, running, service } = list;
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const now = useQuery({
    queryKey: ['benchmark', running?.id],
    queryFn: ({ signal }) => api.getBenchmark(running?.id ?? '', { signal }),
    enabled: running !== null,
    refetchInterval: ASK_EVERY_MS,
  });
  const ask = (act: () => Promise<unknown>): void => {
    setIsAsking(true);
    setTrouble(null);
    act()
      .then(onStarted, (error: unknown) => {
        const { detail, problem } = failureOf(error);
        setTrouble(`${detail} ${problem?.remedy ?? ''}`);
      })
      .finally(() => setIsAsking(false));
  };
  return (
    <section className="card load-form" aria-labelledby="suite-title">
      <h2 className="card-title" id="suite-title">
        Suite {suite.version}
      </h2>
      <ul className="benchmark-suite">
        {suite.parts.map(({ id, weight, measures }) => (
          <li key={id}>
            <strong>
              {id} {Math.round(100 * weight)} %
            </strong>{' '}
            {measures.join('; ')}.
          </li>
        ))}
      </ul>
      {running === null ? (
        <div className="load-actions">
          <Button
            size="xs"
            loading={isAsking}
            disabled={!limits.mayStart}
            onClick={() => ask(() => api.startBenchmark({ service }))}
          >
            Start a benchmark
          </Button>
          <p className="load-quiet">
            {limits.mayStart
              ? `It takes about half a minute, the last third of it with requests as fast as they are answered. It refuses while others take over ${Math.round(100 * limits.maxBusyRatio)} % of the machine or the service has over ${limits.maxRequestsPerSecond} requests a second.`
              : 'You can look at benchmarks; starting one needs the scope operate.'}
          </p>
        </div>
      ) : (
        <>
          <progress max={1} value={now.data?.progress ?? 0} aria-label="Progress of the benchmark" />
          <div className="load-actions">
            <span role="status">
              <StateMark state={now.data?.state ?? 'running'} />
            </span>
            <span className="load-quiet">{now.data?.doing ?? 'starting'}</span>
            {limits.mayStart && (
              <Button size="xs" color="red" loading={isAsking} onClick={() => ask(() => api.stopBenchmark(running.id))}>
                Stop
              </Button>
            )}
          </div>
        </>
      )}
      {trouble !== null && (
        <p className="load-trouble" role="alert">
          {trouble}
        </p>
      )}
    </section>
  );
}
