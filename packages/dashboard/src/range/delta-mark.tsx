import type { ReactElement } from 'react';
import { type Better, deltaOf } from '../format/delta.ts';
import { formatQuantity, type QuantityKind } from '../format/quantity.ts';
import './delta-mark.css';

interface DeltaMarkProps {
  readonly kind: QuantityKind;
  readonly better: Better;
  readonly now: number | null | undefined;
  readonly before: number | null | undefined;
  /** What `before` is of: "yesterday". */
  readonly than: string;
}

/** The change since an earlier time; nothing where there is nothing to compare. */
export function DeltaMark({ kind, better, now, before, than }: DeltaMarkProps): ReactElement | null {
  const delta = deltaOf(kind, better, now, before);
  if (delta === null) return null;
  return (
    <span className="delta numbers" data-delta={delta.tone} title={`${formatQuantity(kind, before)} ${than}`}>
      {delta.text}
      <span className="visually-hidden">
        {' '}
        {delta.tone === 'none' ? '' : `(${delta.tone})`} against {formatQuantity(kind, before)} {than}
      </span>
    </span>
  );
}
