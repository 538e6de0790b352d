import { Button } from '@mantine/core';
import type { BenchmarkState, LoadTestHead, LoadTestList } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import { PageLink } from '../shell/page-link.tsx';

interface LoadTestTableProps {
  readonly tests: readonly LoadTestHead[];
  readonly page: LoadTestList['page'];
  readonly onPage: (cursor: string | null) => void;
}

/** The tests, newest first. */
export function LoadTestTable({ tests, page, onPage }: LoadTestTableProps): ReactElement {
  return (
    <section className="card table-card" aria-labelledby="load-tests-title">
      <header className="card-head">
        <h2 className="card-title" id="load-tests-title">
          Tests
        </h2>
      </header>
      {tests.length === 0 ? (
        <p className="card-empty">No load test has been run yet.</p>
      ) : (
        <div className="table-scroll">
          <table className="numbers" id="load-tests">
            <thead>
              <tr>
                <th scope="col">Test</th>
                <th scope="col">State</th>
                <th scope="col">Kind</th>
                <th scope="col">Requests/s</th>
                <th scope="col">p50</th>
                <th scope="col">p95</th>
                <th scope="col">p99</th>
                <th scope="col">Failed</th>
                <th scope="col">By</th>
                <th scope="col">Started</th>
              </tr>
            </thead>
            <tbody>
              {tests.map(({ id, name, state, kind, summary, author, authorName, startedAt }) => (
                <tr key={id}>
                  <th scope="row">
                    <PageLink to={`/load/${id}`}>{name}</PageLink>
                  </th>
                  <td>
                    <StateMark state={state} />
                  </td>
                  <td>{summary?.knee == null ? kind : `knee at ${formatQuantity('count', summary.knee)}`}</td>
                  <td>{formatQuantity('average', summary?.ratePerSecond)}</td>
                  <td>{formatQuantity('duration', summary?.p50Ms)}</td>
                  <td>{formatQuantity('duration', summary?.p95Ms)}</td>
                  <td>{formatQuantity('duration', summary?.p99Ms)}</td>
                  <td>{formatQuantity('ratio', summary?.errorRatio)}</td>
                  <td>
                    <Author author={author} authorName={authorName} />
                  </td>
                  <td>{momentText(Date.parse(startedAt), 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(page.previous !== null || page.next !== null) && (
        <nav className="load-pages" aria-label="Pages of tests">
          <Button
            size="compact-sm"
            variant="default"
            disabled={page.previous === null}
            onClick={() => onPage(page.previous)}
          >
            Newer
          </Button>
          <Button size="compact-sm" variant="default" disabled={page.next === null} onClick={() => onPage(page.next)}>
            Older
          </Button>
        </nav>
      )}
    </section>
  );
}

const WORDS: Readonly<Record<LoadTestHead['state'] | BenchmarkState, string>> = {
  done: 'Done',
  running: 'Running',
  passed: 'Passed',
  missed: 'Missed',
  invalid: 'Not valid',
  stopped: 'Stopped',
  aborted: 'Ended itself',
  failed: 'Failed',
};

/** By name; the id where the application has not said more. */
export function Author({ author, authorName }: Pick<LoadTestHead, 'author' | 'authorName'>): ReactElement {
  return <span {...(authorName === null ? {} : { title: author })}>{authorName ?? author}</span>;
}

/** A state in a word. */
export function StateMark({ state }: { readonly state: LoadTestHead['state'] | BenchmarkState }): ReactElement {
  return (
    <span className="load-state" data-state={state}>
      {WORDS[state]}
    </span>
  );
}
