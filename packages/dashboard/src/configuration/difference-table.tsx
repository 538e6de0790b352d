import type { ConfigDifference } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { valueText } from './draft.ts';

/** What differs, value by value. `unitOf` knows the unit of a setting, `now` what is in force where nothing was set. */
export function DifferenceTable({
  differences,
  unitOf,
  now,
  label,
}: {
  readonly differences: readonly ConfigDifference[];
  readonly unitOf: (key: string) => string | undefined;
  readonly now?: (key: string) => string | undefined;
  readonly label: string;
}): ReactElement {
  if (differences.length === 0) return <p className="config-quiet">Nothing differs.</p>;
  return (
    <div className="difference-scroll">
      <table className="difference-table numbers" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
            <th scope="col">Layer</th>
          </tr>
        </thead>
        <tbody>
          {differences.map(({ key, layer, instance, before, after }) => (
            <tr key={`${key} ${layer} ${instance ?? ''}`}>
              <th scope="row">
                <code>{key}</code>
              </th>
              <td>
                {before === undefined ? <em>not set</em> : <del>{valueText(before, unitOf(key))}</del>}
                {before === undefined && layer !== 'instance' && now?.(key) !== undefined && (
                  <span className="config-quiet"> now {now(key)}</span>
                )}
              </td>
              <td>{after === undefined ? <em>not set</em> : <ins>{valueText(after, unitOf(key))}</ins>}</td>
              <td>{instance ?? layer}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
