import type { DatabaseAnalysis, IoUse, ReplicationState, RunsOut } from '@teamflow/autopilot/contract';
import type { ReactElement, ReactNode } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';

const DAY_MS = 86_400_000;
const MOST_ROWS = 10;

/** What runs out and when, who replays the server's changes, and what each of its processes reads and writes. */
export function ActivityCards({ analysis }: { readonly analysis: DatabaseAnalysis }): ReactElement {
  const { growth, replication, io } = analysis;
  const isReplicated =
    replication.standbys.length + replication.slots.length > 0 || replication.replayBehindMs !== null;
  return (
    <>
      {growth.runsOut.length > 0 && (
        <Card
          title="What runs out"
          note={
            growth.bytesPerDay === null
              ? 'at the pace of the days that were watched; growth is known after an hour'
              : `tables grow by ${formatQuantity('bytes', Math.max(0, growth.bytesPerDay))} a day`
          }
        >
          <Table heads={['What', 'Used', 'At its end', 'Reckoned from']}>
            {growth.runsOut.map((one) => (
              <Ending key={one.what} ending={one} />
            ))}
          </Table>
        </Card>
      )}
      {isReplicated && <Replication state={replication} />}
      {io !== null && io.length > 0 && (
        <Card title="Reads and writes" note="by kind of process, since the server counts them (pg_stat_io)">
          <Table
            heads={['Process', 'Read', 'Written', 'Added', 'Found in buffers', 'Evicted', 'Read in', 'Written in']}
          >
            {io.slice(0, MOST_ROWS).map((use) => (
              <Use key={`${use.process} ${use.context}`} use={use} />
            ))}
          </Table>
        </Card>
      )}
    </>
  );
}

function Ending({ ending: { what, usedRatio, at, because } }: { readonly ending: RunsOut }): ReactElement {
  return (
    <tr>
      <th scope="row">{what}</th>
      <td>{formatQuantity('ratio', usedRatio)}</td>
      <td>{at === null ? 'not in sight' : momentText(Date.parse(at), DAY_MS)}</td>
      <td className="wrapped">{because}</td>
    </tr>
  );
}

function Replication({ state }: { readonly state: ReplicationState }): ReactElement {
  const { standbys, slots, replayBehindMs } = state;
  return (
    <Card
      title="Replication"
      note={
        replayBehindMs === null ? '' : `this server is a standby, ${formatQuantity('duration', replayBehindMs)} behind`
      }
    >
      <Table heads={['Who', 'Kind', 'State', 'Behind', 'Delay']}>
        {standbys.map(({ name, state: doing, sync, behindBytes, behindMs }) => (
          <tr key={`standby ${name}`}>
            <th scope="row">{name}</th>
            <td>standby</td>
            <td>{doing === null ? 'not visible' : `${doing}, ${sync ?? ''}`}</td>
            <td>{formatQuantity('bytes', behindBytes)}</td>
            <td>{formatQuantity('duration', behindMs)}</td>
          </tr>
        ))}
        {slots.map(({ name, kind, active, retainedBytes }) => (
          <tr key={`slot ${name}`}>
            <th scope="row">{name}</th>
            <td>{kind} slot</td>
            <td>{active ? 'read' : 'nobody reads it'}</td>
            <td>{formatQuantity('bytes', retainedBytes)}</td>
            <td>–</td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}

function Use({ use }: { readonly use: IoUse }): ReactElement {
  const { process, context, readBytes, writtenBytes, extendedBytes, hits, evictions, readMs, writeMs } = use;
  return (
    <tr>
      <th scope="row">
        {process}
        {context !== 'normal' && `, ${context}`}
      </th>
      <td>{formatQuantity('bytes', readBytes)}</td>
      <td>{formatQuantity('bytes', writtenBytes)}</td>
      <td>{formatQuantity('bytes', extendedBytes)}</td>
      <td>{formatQuantity('count', hits)}</td>
      <td>{formatQuantity('count', evictions)}</td>
      <td>{readMs === 0 ? '–' : formatQuantity('duration', readMs)}</td>
      <td>{writeMs === 0 ? '–' : formatQuantity('duration', writeMs)}</td>
    </tr>
  );
}

function Card({
  title,
  note,
  children,
}: {
  readonly title: string;
  readonly note: string;
  readonly children: ReactNode;
}): ReactElement {
  const id = `database-${title.replaceAll(' ', '-').toLowerCase()}`;
  return (
    <section className="card" aria-labelledby={id}>
      <header className="card-head">
        <h2 className="card-title" id={id}>
          {title}
        </h2>
        <span className="card-note">{note}</span>
      </header>
      <div className="database-activity">{children}</div>
    </section>
  );
}

function Table({ heads, children }: { readonly heads: readonly string[]; readonly children: ReactNode }): ReactElement {
  return (
    <table className="numbers">
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
