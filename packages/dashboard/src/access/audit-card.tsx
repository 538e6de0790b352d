import { useQuery } from '@tanstack/react-query';
import type { NamedAuditEntry } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { PageSteps } from '../shell/page-steps.tsx';

const ASK_EVERY_MS = 10_000;
const ROWS = 25;
const DAY_MS = 86_400_000;

/** Who changed what, and who tried to; newest first. */
export function AuditCard(): ReactElement {
  const [cursor, setCursor] = useState<string | null>(null);
  const { data, error } = useQuery({
    queryKey: ['audit', cursor],
    queryFn: ({ signal }) => api.listAudit({ limit: ROWS, ...(cursor === null ? {} : { cursor }) }, { signal }),
    refetchInterval: ASK_EVERY_MS,
    placeholderData: (before) => before,
  });
  return (
    <section className="card table-card" id="audit" aria-labelledby="audit-title" aria-busy={data === undefined}>
      <header className="card-head">
        <h2 className="card-title" id="audit-title">
          Audit log
        </h2>
        <span className="card-note">every call that changes something, or was meant to</span>
      </header>
      {error !== null && data === undefined && <p className="card-empty">{failureOf(error).detail}</p>}
      <div className="table-scroll">
        <table className="numbers access-table audit-table">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col" className="room-tablet">
                Who
              </th>
              <th scope="col">When</th>
              <th scope="col">Outcome</th>
              <th scope="col" className="room-desk">
                Request
              </th>
            </tr>
          </thead>
          <tbody>
            {data?.entries.map((entry) => (
              <tr key={entry.id}>
                <th scope="row">
                  {entry.operation}
                  <div className="card-note">{entry.target}</div>
                  <div className="card-note audit-who">{who(entry)}</div>
                </th>
                <td className="room-tablet">
                  {who(entry)}
                  {entry.by !== null && <div className="card-note">by {entry.by}</div>}
                </td>
                <td>{momentText(Date.parse(entry.at), DAY_MS / 8)}</td>
                <td>
                  <span {...(entry.outcome === 'done' ? {} : { 'data-tone': 'bad' })}>{entry.outcome}</span>
                  <div className="card-note">{entry.code ?? entry.status}</div>
                  {entry.skipped > 0 && <div className="card-note">after {entry.skipped} more refused</div>}
                </td>
                <td className="room-desk">
                  <code>{entry.requestId}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {data !== undefined && data.entries.length === 0 && <p className="card-empty">Nothing was changed yet.</p>}
      <PageSteps label="Pages of the audit log" page={data?.page} onStep={setCursor} />
    </section>
  );
}

/** By name; the id where the application has not said more. */
function who({ actor, actorName }: NamedAuditEntry): ReactElement {
  return (
    <span {...(actorName === null || actor === null ? {} : { title: actor })}>
      {actorName ?? actor ?? 'nobody who is known'}
    </span>
  );
}
