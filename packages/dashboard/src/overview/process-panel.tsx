import type { RuntimeSummary } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import './state-lists.css';

/** From here on the heap is near its end. */
const HEAP_NEARLY_FULL = 0.85;

/** What the charts of the process do not say: the worst moments of the time window, and how far its memory may grow. */
export function ProcessPanel({ runtime }: { readonly runtime: RuntimeSummary | undefined }): ReactElement {
  const used = runtime?.heapUsedBytes ?? null;
  const limit = runtime?.heapLimitBytes ?? null;
  const share = used === null || limit === null || limit <= 0 ? null : used / limit;
  return (
    <section className="card" id="process" aria-labelledby="process-title">
      <header className="card-head">
        <h2 className="card-title" id="process-title">
          Process
        </h2>
      </header>
      <div className="process">
        <div className="pool-line">
          <span>Heap</span>
          <span className="numbers">
            {formatQuantity('bytes', used)} <span className="unit">of {formatQuantity('bytes', limit)}</span>
          </span>
        </div>
        <div className="pool-meter" aria-hidden="true">
          <span
            className={share !== null && share > HEAP_NEARLY_FULL ? 'process-heap is-nearly-full' : 'process-heap'}
            style={{ width: `${Math.min(1, share ?? 0) * 100}%` }}
          />
        </div>
        <dl className="process-facts numbers">
          <dt>Longest event-loop delay</dt>
          <dd>{formatQuantity('duration', runtime?.eventLoopDelayMaxMs)}</dd>
          <dt>Longest garbage collection</dt>
          <dd>{formatQuantity('duration', runtime?.gcMaxMs)}</dd>
          <dt>Requests under way</dt>
          <dd>{formatQuantity('count', runtime?.activeRequests)}</dd>
        </dl>
      </div>
    </section>
  );
}
