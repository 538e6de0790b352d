import type { ReactElement } from 'react';
import type { SeriesColor } from '../chart/series.ts';
import { formatQuantity } from '../format/quantity.ts';

/** A share of a whole, as a number with a bar under the eye. */
export function ShareBar({ share, color }: { readonly share: number; readonly color: SeriesColor }): ReactElement {
  return (
    <span className="share">
      <span className="share-bar" data-color={color} aria-hidden="true">
        <span style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
      <span className="share-value">{formatQuantity('ratio', share)}</span>
    </span>
  );
}
