import type { InstanceStatus, Timestamp } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { clockTime, formatSpan } from '../format/time.ts';
import { select } from '../shell/use-selection.ts';
import './state-lists.css';

interface InstanceListProps {
  readonly instances: readonly InstanceStatus[] | undefined;
  /** The time of the document, by the control plane's clock. */
  readonly at: Timestamp | undefined;
  readonly selected: string | null;
  /** Whether the states are of the present; they are told in the past where they are not. */
  readonly isLive: boolean;
}

const words: Readonly<Record<InstanceStatus['state'], string>> = { live: 'Live', stalled: 'Stalled', gone: 'Gone' };
const rank: Readonly<Record<InstanceStatus['state'], number>> = { stalled: 0, live: 1, gone: 2 };

/** The processes of the service; a press on one shows its numbers alone. */
export function InstanceList({ instances = [], at, selected, isLive }: InstanceListProps): ReactElement {
  const ordered = instances.toSorted(
    (one, other) => rank[one.state] - rank[other.state] || one.instance.localeCompare(other.instance),
  );
  const live = instances.filter(({ state }) => state === 'live').length;
  return (
    <section className="card" id="instances" aria-labelledby="instances-title">
      <header className="card-head">
        <h2 className="card-title" id="instances-title">
          Instances
        </h2>
        <span className="card-note numbers">
          {at === undefined ? '' : `${live} of ${instances.length} ${isLive ? 'live' : 'were live'}`}
        </span>
      </header>
      <ul className="instances">
        {ordered.map((one) => (
          <li key={one.instance} data-state={one.state}>
            <button
              type="button"
              aria-pressed={one.instance === selected}
              title={one.instance === selected ? 'Show all instances' : 'Show only this instance'}
              onClick={() => select({ instance: one.instance === selected ? null : one.instance })}
            >
              <span className="instance-dot" />
              <span className="instance-name">{one.instance}</span>
              <span className="instance-state">
                {isLive ? words[one.state] : `Was ${words[one.state].toLowerCase()}`}
              </span>
              <span className="instance-detail numbers">{detailOf(one, at)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function detailOf(one: InstanceStatus, at: Timestamp | undefined): string {
  const release = `release ${one.release}`;
  switch (one.state) {
    case 'live': {
      const up = at === undefined ? '' : ` · up ${formatSpan(Date.parse(at) - Date.parse(one.startedAt))}`;
      return release + up;
    }
    case 'stalled':
      return `${release} · silent for ${formatSpan(one.silentMs)}`;
    case 'gone':
      return `${release} · last seen ${clockTime(one.lastSeenAt)}`;
  }
}
