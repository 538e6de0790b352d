import type { ConfigInstanceList } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { standingOf } from './instance-standing.ts';

/** What each instance makes of the newest version, as it says itself. */
export function InstanceStates({ list }: { readonly list: ConfigInstanceList | undefined }): ReactElement {
  return (
    <section className="card" aria-labelledby="config-instances-title" aria-busy={list === undefined}>
      <header className="card-head">
        <h2 className="card-title" id="config-instances-title">
          Instances
        </h2>
      </header>
      <ul className="config-instances">
        {(list?.instances ?? []).map((one) => {
          const { tone, words, detail } = standingOf(one, list?.version ?? 0);
          return (
            <li key={one.instance} data-tone={tone}>
              <span className="config-instance-name">{one.instance}</span>
              <span className="config-instance-state numbers">{words}</span>
              {detail !== null && <span className="config-instance-detail">{detail}</span>}
            </li>
          );
        })}
      </ul>
      {list !== undefined && list.instances.length === 0 && <p className="card-empty">No instance is linked.</p>}
    </section>
  );
}
