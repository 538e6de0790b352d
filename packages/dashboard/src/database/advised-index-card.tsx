import type { AdvisedIndex, StatementEffect } from '@teamflow/autopilot/contract';
import { type ReactElement, useId } from 'react';
import { formatQuantity } from '../format/quantity.ts';

const MOST_STEPS = 9;

/** An index worth having: how to make it, what it costs, and each statement's plan before and after. */
export function AdvisedIndexCard({ index }: { readonly index: AdvisedIndex }): ReactElement {
  const id = useId();
  const { steps, table, bytes, buildSeconds, writeRatio, statements } = index;
  return (
    <section className="card" aria-labelledby={id}>
      <header className="card-head">
        <h3 className="card-title" id={id}>
          An index on {table.replaceAll('"', '')}
        </h3>
        <span className="card-note">
          {formatQuantity('bytes', bytes)}, built in about {Math.max(1, Math.round(buildSeconds))} s, writes pay{' '}
          {formatQuantity('ratio', writeRatio)} of the workload for it
        </span>
      </header>
      <div className="advice-steps">
        {steps.slice(0, MOST_STEPS).map((sql) => (
          <code key={sql}>{sql};</code>
        ))}
        {steps.length > MOST_STEPS && (
          <p className="card-note">
            and {steps.length - MOST_STEPS} more steps, one for each further partition and its attaching
          </p>
        )}
      </div>
      {statements.map((effect, at) => (
        <Effect key={effect.sql} effect={effect} isOpen={at === 0} />
      ))}
    </section>
  );
}

function Effect({ effect, isOpen }: { readonly effect: StatementEffect; readonly isOpen: boolean }): ReactElement {
  const { sql, calls, costBefore, costAfter, planBefore, planAfter } = effect;
  const saved = 1 - costAfter / Math.max(costBefore, 1e-9);
  return (
    <details className="advice-effect" open={isOpen}>
      <summary>
        <span className="numbers">{formatQuantity('ratio', saved)} less</span> in {formatQuantity('count', calls)}{' '}
        calls: <code>{sql}</code>
      </summary>
      <div className="advice-plans">
        <Plan title={`Before: cost ${formatQuantity('count', Math.round(costBefore))}`} lines={planBefore} />
        <Plan title={`After: cost ${formatQuantity('count', Math.round(costAfter))}`} lines={planAfter} />
      </div>
    </details>
  );
}

function Plan({ title, lines }: { readonly title: string; readonly lines: readonly string[] }): ReactElement {
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <pre>{lines.join('\n')}</pre>
    </figure>
  );
}
