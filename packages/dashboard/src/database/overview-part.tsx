import type { DatabaseAnalysis } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { PoolList } from '../overview/pool-list.tsx';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { ActivityCards } from './activity-cards.tsx';
import { FindingList, GapNotes } from './finding-list.tsx';
import { databaseCharts, HistoryCharts } from './history-charts.tsx';
import { useDatabase } from './use-database.ts';

/** The database as a whole: what it is, what is wrong, which settings to change. */
export function OverviewPart(): ReactElement {
  const { data, failure, retry } = useDatabase('analysis', (query, options) => api.getDatabaseAnalysis(query, options));
  if (failure !== null) {
    return <ProblemPanel title="The database can not be shown" failure={failure} onRetry={retry} />;
  }
  return (
    <>
      <GapNotes gaps={data?.gaps} />
      <section className="card" aria-labelledby="database-facts-title" aria-busy={data === undefined}>
        <header className="card-head">
          <h2 className="card-title" id="database-facts-title">
            {data === undefined ? 'Database' : `${data.server.database} on PostgreSQL ${data.server.version}`}
          </h2>
          {data !== undefined && (
            <span className="card-note">
              read as {data.server.role}; {data.cost.readings} readings took{' '}
              {formatQuantity('duration', data.cost.durationMs)} so far
              {data.collection.cost !== null &&
                `; watching takes ${formatQuantity('duration', data.collection.cost.serverMs)} of the server a minute`}
              {data.collection.unseenRatio !== null &&
                data.collection.unseenRatio > 0 &&
                `; about ${formatQuantity('ratio', data.collection.unseenRatio)} of the calls were forgotten unseen`}
            </span>
          )}
        </header>
        <dl className="resource-facts numbers">
          {factsOf(data).map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <section className="card" aria-labelledby="database-findings-title">
        <header className="card-head">
          <h2 className="card-title" id="database-findings-title">
            Findings
          </h2>
          <span className="card-note">{data === undefined ? '' : data.findings.length}</span>
        </header>
        {data !== undefined && <FindingList findings={data.findings} empty="Nothing to complain about." />}
      </section>
      {data !== undefined && data.settingsAdvice.length > 0 && (
        <section className="card" aria-labelledby="database-settings-title">
          <header className="card-head">
            <h2 className="card-title" id="database-settings-title">
              Settings
            </h2>
          </header>
          <ul className="database-findings">
            {data.settingsAdvice.map(({ setting, current, advised, severity, needs, because, effect, sql }) => (
              <li key={setting} data-severity={severity}>
                <p>
                  <strong>{setting}</strong> {current} → {advised} ({needs}). {because}
                </p>
                <p className="finding-remedy">{effect}</p>
                <code className="finding-sql">{sql}</code>
              </li>
            ))}
          </ul>
        </section>
      )}
      {data !== undefined && <ActivityCards analysis={data} />}
      <HistoryCharts charts={databaseCharts} />
      <PoolList pools={data?.pools} />
    </>
  );
}

function factsOf(data: DatabaseAnalysis | undefined): readonly (readonly [label: string, value: string])[] {
  const { server, sizes, connections, wraparound } = data ?? {};
  const usable = connections === undefined ? null : connections.maxConnections - connections.reservedConnections;
  return [
    ['Size', formatQuantity('bytes', server?.sizeBytes)],
    ['Tables', formatQuantity('bytes', sizes?.tableBytes)],
    ['Indexes', formatQuantity('bytes', sizes?.indexBytes)],
    ['Live rows', formatQuantity('count', sizes?.liveRows)],
    ['Dead rows', formatQuantity('count', sizes?.deadRows)],
    ['Cache hits', formatQuantity('ratio', server?.cacheHitRatio)],
    ['Connections', connections === undefined ? '–' : `${connections.connections} of ${usable ?? '–'}`],
    ['Idle in transaction', formatQuantity('count', connections?.idleInTransaction)],
    ['Waiting for locks', formatQuantity('count', connections?.waitingForLocks)],
    ['Temporary files', formatQuantity('bytes', server?.tempBytes)],
    ['Deadlocks', formatQuantity('count', server?.deadlocks)],
    ['Identifiers used', formatQuantity('ratio', wraparound?.[0]?.usedRatio)],
  ];
}
