import type { PoolRow } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import './state-lists.css';

/** The connection pools: how much of each is in use, and who waits. */
export function PoolList({ pools }: { readonly pools: readonly PoolRow[] | undefined }): ReactElement {
  return (
    <section className="card" id="pools" aria-labelledby="pools-title">
      <header className="card-head">
        <h2 className="card-title" id="pools-title">
          Connection pools
        </h2>
      </header>
      {pools?.length === 0 ? (
        <p className="card-empty">No pool is instrumented yet.</p>
      ) : (
        <ul className="pools">
          {pools?.map((pool) => (
            <PoolItem key={`${pool.database} ${pool.pool}`} pool={pool} />
          ))}
        </ul>
      )}
    </section>
  );
}

function PoolItem({ pool }: { readonly pool: PoolRow }): ReactElement {
  const { size, idle, max } = pool;
  const used = size === null || idle === null ? null : Math.max(0, size - idle);
  const share = (connections: number | null): string =>
    connections === null || max === null || max <= 0 ? '0%' : `${Math.min(100, (connections / max) * 100)}%`;
  return (
    <li className="pool">
      <div className="pool-line">
        <span className="pool-name">
          {pool.pool}
          {pool.database !== pool.pool && <span className="card-note"> on {pool.database}</span>}
        </span>
        <span className="numbers">
          {count(used)} <span className="unit">of {count(max)} in use</span>
        </span>
      </div>
      <div className="pool-meter" aria-hidden="true">
        <span className="pool-used" style={{ width: share(used) }} />
        <span className="pool-idle" style={{ width: share(idle) }} />
      </div>
      <div className="pool-line card-note numbers">
        <span>{count(idle)} idle</span>
        <span data-tone={(pool.waiting ?? 0) >= 1 ? 'bad' : undefined}>{count(pool.waiting)} waiting</span>
        <span>wait p95 {formatQuantity('duration', pool.waitP95Ms)}</span>
        {pool.oldestMs !== null && (
          <span title="Of open connections on average, and of the oldest">
            age {formatQuantity('duration', pool.ageMs)}, {formatQuantity('duration', pool.oldestMs)}
          </span>
        )}
        {pool.opened + pool.closed > 0 && (
          <span>
            {formatQuantity('count', pool.opened)} opened, {formatQuantity('count', pool.closed)} closed
          </span>
        )}
        {(pool.leaked ?? 0) > 0 && <span data-tone="bad">{count(pool.leaked)} never given back</span>}
        {pool.failed > 0 && <span data-tone="bad">{formatQuantity('count', pool.failed)} got none</span>}
      </div>
    </li>
  );
}

/** A mean of whole connections: 3, or 2.4. */
function count(value: number | null): string {
  return formatQuantity('count', value);
}
