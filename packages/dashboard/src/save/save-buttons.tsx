import type { ReactElement } from 'react';
import { saveFile } from './save-file.ts';
import { csvOf, jsonOf } from './table-text.ts';

/** Saves the rows of a table as they stand: filtered and in order. */
export function SaveButtons({
  name,
  rows,
}: {
  /** In the plural: "tenants". */
  readonly name: string;
  readonly rows: readonly object[];
}): ReactElement {
  const file = `autopilot-${name.replaceAll(' ', '-')}`;
  return (
    <span className="save-buttons">
      <button
        type="button"
        className="quiet-button"
        aria-label={`CSV of the ${name}`}
        title="Save the rows as CSV"
        disabled={rows.length === 0}
        onClick={() => saveFile(`${file}.csv`, 'text/csv', csvOf(rows))}
      >
        CSV
      </button>
      <button
        type="button"
        className="quiet-button"
        aria-label={`JSON of the ${name}`}
        title="Save the rows as JSON"
        disabled={rows.length === 0}
        onClick={() => saveFile(`${file}.json`, 'application/json', jsonOf(rows))}
      >
        JSON
      </button>
    </span>
  );
}
