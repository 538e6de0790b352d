import type { RouteRow } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';

/** Where a request's time goes on average: waiting for the database, or in the application. */
export function TimeSplit({ row }: { readonly row: RouteRow | undefined }): ReactElement {
  const total = row?.meanMs ?? null;
  const database = row?.databaseMsPerRequest ?? null;
  // Calls side by side add up to more than the request took.
  const overlaps = total !== null && database !== null && database > total;
  const share = total === null || database === null || total <= 0 ? 0 : Math.min(1, database / total);
  return (
    <section className="card time-split" aria-labelledby="time-split-title">
      <h2 className="card-title" id="time-split-title">
        Where a request's time goes
      </h2>
      <div className="time-split-bar" aria-hidden="true">
        <span className="time-split-database" style={{ width: `${share * 100}%` }} />
      </div>
      <p className="numbers">
        {total === null ? (
          <span className="card-note">No request in this time window.</span>
        ) : (
          <>
            <span className="time-split-key" data-color="violet" /> Database{' '}
            <strong>{formatQuantity('duration', database)}</strong>
            {overlaps ? (
              <span className="card-note">
                {' '}
                in calls that overlap: a request takes {formatQuantity('duration', total)} on average
              </span>
            ) : (
              <>
                <span className="time-split-gap" />
                <span className="time-split-key" data-color="blue" /> Application and waiting{' '}
                <strong>{formatQuantity('duration', database === null ? total : total - database)}</strong>
                <span className="card-note"> of {formatQuantity('duration', total)} on average</span>
              </>
            )}
          </>
        )}
      </p>
    </section>
  );
}
