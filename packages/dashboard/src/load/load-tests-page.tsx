import { useQuery } from '@tanstack/react-query';
import type { LoadTestList } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { useSelection } from '../shell/use-selection.ts';
import { ApartTraffic } from './apart-traffic.tsx';
import { LoadTestForm } from './load-test-form.tsx';
import { LoadTestTable } from './load-test-table.tsx';
import '../overview/overview.css';
import '../overview/tables.css';
import '../range/range-control.css';
import './load.css';

const ASK_EVERY_MS = 2000;

/** Starts load tests, and shows those that run and that were. */
export function LoadTestsPage(): ReactElement {
  const { service } = useSelection();
  const [cursor, setCursor] = useState<string | null>(null);
  const query = { ...(service === null ? {} : { service }), limit: 20, ...(cursor === null ? {} : { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: ['load-tests', query],
    queryFn: ({ signal }): Promise<LoadTestList> => api.getLoadTests(query, { signal }),
    refetchInterval: ASK_EVERY_MS,
  });
  if (error !== null && data === undefined) {
    const again = (): void => void refetch();
    return <ProblemPanel title="The load tests can not be shown" failure={failureOf(error)} onRetry={again} />;
  }
  return (
    <div className="overview load-page" aria-busy={data === undefined}>
      <h1 tabIndex={-1}>Load tests</h1>
      {data !== undefined && (
        <>
          <LoadTestForm key={data.service} service={data.service} limits={data.limits} />
          <ApartTraffic service={data.service} />
          <LoadTestTable tests={data.tests} page={data.page} onPage={setCursor} />
        </>
      )}
    </div>
  );
}
