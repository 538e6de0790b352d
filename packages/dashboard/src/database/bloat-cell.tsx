import { useMutation } from '@tanstack/react-query';
import { ApiError } from '@teamflow/autopilot/client';
import type { BloatEstimate, DatabaseTable } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { api } from '../session/api.ts';
import { useAskedDatabase } from './use-database.ts';

/** Under this size nobody gains by knowing. */
const MIN_BYTES = 1_000_000;

/** How much of a table's file holds nothing: estimated, and counted when somebody asks for it. */
export function BloatCell({ table: row }: { readonly table: DatabaseTable }): ReactElement {
  const { schema, table, tableBytes, kind } = row;
  const asked = useAskedDatabase();
  const { data, error, isPending, mutate } = useMutation({
    mutationFn: async (): Promise<{ readonly bloat: BloatEstimate | null; readonly lacking: string | null }> => {
      const { tables, gaps } = await api.listDatabaseTables({ ...asked, exact: `${schema}.${table}`, limit: 200 });
      const gap = gaps.find(({ reading }) => reading === 'exact bloat');
      const found = tables.find((one) => one.schema === schema && one.table === table);
      return { bloat: found?.bloat ?? null, lacking: gap === undefined ? null : `${gap.reason} ${gap.remedy}` };
    },
  });
  const bloat = data?.bloat ?? row.bloat;
  const refused = error instanceof ApiError ? error.problem.detail : error?.message;
  return (
    <>
      <span title={bloat?.method ?? 'Too small, or not enough is known.'}>{formatQuantity('ratio', bloat?.ratio)}</span>
      {kind === 'table' && tableBytes >= MIN_BYTES && data === undefined && (
        <button
          type="button"
          className="quiet-button plan-button"
          title="Counts it with pgstattuple, which reads the table"
          disabled={isPending}
          onClick={() => mutate()}
        >
          {isPending ? 'Counting ...' : 'Count'}
        </button>
      )}
      {data?.lacking === null && <span className="bloat-told">counted</span>}
      {data?.lacking != null && (
        <span role="status" className="bloat-told">
          {data.lacking}
        </span>
      )}
      {refused !== undefined && (
        <span role="alert" className="bloat-told">
          {refused}
        </span>
      )}
    </>
  );
}
