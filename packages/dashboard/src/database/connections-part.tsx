import type { ActiveBackend, ConnectionGroup } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { PoolList } from '../overview/pool-list.tsx';
import { StatementText } from '../overview/statement-text.tsx';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { FindingList, GapNotes } from './finding-list.tsx';
import { PoolAdviceList } from './pool-advice-list.tsx';
import { useDatabase } from './use-database.ts';

/** Who is connected, who waits for whom, and the pools of the applications. */
export function ConnectionsPart(): ReactElement {
  const { data, failure, retry } = useDatabase('connections', (query, options) =>
    api.getDatabaseConnections(query, options),
  );
  if (failure !== null) {
    return <ProblemPanel title="The connections can not be shown" failure={failure} onRetry={retry} />;
  }
  const view = data?.view;
  const usable = view === undefined ? 0 : view.maxConnections - view.reservedConnections;
  return (
    <>
      <GapNotes gaps={data?.gaps} />
      <section className="card table-card" aria-labelledby="connections-title" aria-busy={data === undefined}>
        <header className="card-head">
          <h2 className="card-title" id="connections-title">
            Connections
          </h2>
          <span className="card-note numbers">{view === undefined ? '' : `${view.connections} of ${usable}`}</span>
        </header>
        {data !== undefined && <FindingList findings={data.findings} />}
        <div className="table-scroll">
          <table className="numbers usage-table">
            <thead>
              <tr>
                <th scope="col">Application</th>
                <th scope="col">State</th>
                <th scope="col">Connections</th>
                <th scope="col" className="room-tablet">
                  Oldest
                </th>
                <th scope="col" className="room-tablet">
                  Longest in this state
                </th>
              </tr>
            </thead>
            <tbody>
              {view?.groups.map((group) => (
                <GroupRow key={keyOf(group)} group={group} />
              ))}
            </tbody>
          </table>
        </div>
      </section>
      {view !== undefined && view.backends.length > 0 && (
        <section className="card" aria-labelledby="backends-title">
          <header className="card-head">
            <h2 className="card-title" id="backends-title">
              At work
            </h2>
          </header>
          <ul className="backends">
            {view.backends.map((backend) => (
              <BackendItem key={backend.pid} backend={backend} />
            ))}
          </ul>
        </section>
      )}
      <PoolList pools={data?.pools} />
      <PoolAdviceList advice={data?.poolAdvice} />
    </>
  );
}

function keyOf({ application, role, database, state }: ConnectionGroup): string {
  return [application, role, database, state].join('\n');
}

function GroupRow({ group }: { readonly group: ConnectionGroup }): ReactElement {
  return (
    <tr>
      <th scope="row">
        {group.application}
        <div className="card-note">
          {group.role} on {group.database}
        </div>
      </th>
      <td>{group.state}</td>
      <td>{group.connections}</td>
      <td className="room-tablet">{formatQuantity('duration', group.oldestMs)}</td>
      <td className="room-tablet">{formatQuantity('duration', group.longestInStateMs)}</td>
    </tr>
  );
}

function BackendItem({ backend }: { readonly backend: ActiveBackend }): ReactElement {
  const { pid, application, state, transactionMs, waitsFor, blockedBy, text } = backend;
  return (
    <li>
      <p className="numbers">
        <strong>{pid}</strong> {application}, {state}
        {transactionMs === null ? '' : `, in a transaction for ${formatQuantity('duration', transactionMs)}`}
        {waitsFor === null || waitsFor.startsWith('Client: ') ? '' : `, waits for ${waitsFor}`}
        {blockedBy.length === 0 ? '' : `, blocked by ${blockedBy.join(', ')}`}
      </p>
      {text !== null && <StatementText text={text} />}
    </li>
  );
}
