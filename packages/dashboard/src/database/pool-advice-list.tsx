import type { PoolAdvice } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';

/** What the waits of each pool would be at other sizes, and which size is advised. */
export function PoolAdviceList({ advice }: { readonly advice: readonly PoolAdvice[] | undefined }): ReactElement {
  return (
    <>
      {advice?.map((one) => (
        <PoolAdviceCard key={`${one.database} ${one.pool}`} advice={one} />
      ))}
    </>
  );
}

function PoolAdviceCard({ advice }: { readonly advice: PoolAdvice }): ReactElement {
  const { pool, instances, size, advised, action, ratePerSecond, useMs, waitMeanMs, predictions, reasons } = advice;
  const id = `pool-sizes-${pool}`;
  return (
    <section className="card table-card" aria-labelledby={id}>
      <header className="card-head">
        <h2 className="card-title" id={id}>
          Sizes of the pool {pool}
        </h2>
        <span className="card-note numbers">
          {action === 'change' ? `${advised} instead of ${size} advised` : `${size} is left`}
          {instances > 1 ? `, in each of ${instances} instances` : ''}
        </span>
      </header>
      <p className="usage-note numbers">
        Measured: {formatQuantity('average', ratePerSecond)} callers a second keep a connection for{' '}
        {formatQuantity('duration', useMs)} each and wait {formatQuantity('duration', waitMeanMs)}. {reasons.join(' ')}
      </p>
      <div className="table-scroll">
        <table className="numbers usage-table">
          <thead>
            <tr>
              <th scope="col">Connections</th>
              <th scope="col">In use</th>
              <th scope="col">Callers that wait</th>
              <th scope="col">Mean wait</th>
              <th scope="col">Wait p95</th>
            </tr>
          </thead>
          <tbody>
            {predictions.map((one) => (
              <tr key={one.size}>
                <th scope="row">
                  {one.size}
                  {one.size === size ? ' (now)' : one.size === advised ? ' (advised)' : ''}
                </th>
                <td>{formatQuantity('ratio', Math.min(1, one.utilization))}</td>
                <td>{formatQuantity('ratio', one.waitProbability)}</td>
                <td>{one.waitMeanMs === null ? 'grows' : formatQuantity('duration', one.waitMeanMs)}</td>
                <td>{one.waitP95Ms === null ? 'grows' : formatQuantity('duration', one.waitP95Ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
