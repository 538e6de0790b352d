import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { type AlignedValues, latestOf } from './chart-data.ts';
import type { ChartDefinition } from './series.ts';

interface ChartLegendProps {
  readonly definition: ChartDefinition;
  readonly values: AlignedValues;
  /** The step under the cursor; null: the latest. */
  readonly index: number | null;
  /** What the faint dashed lines are of; null: there are none. */
  readonly comparedWith: string | null;
}

/** Names each line with its value: the latest, or the one under the cursor. */
export function ChartLegend({ definition, values, index, comparedWith }: ChartLegendProps): ReactElement {
  return (
    <ul className="chart-legend">
      {definition.series.map((series, position) => {
        const column = values[position + 1] ?? [];
        const value = index === null ? latestOf(column) : (column[index] ?? null);
        return (
          <li key={series.column}>
            <span
              className={series.dashed === true ? 'chart-swatch is-dashed' : 'chart-swatch'}
              data-color={series.color}
            />
            <span className="chart-label">{series.label}</span>
            <span className="chart-value numbers">{formatQuantity(series.kind, value)}</span>
          </li>
        );
      })}
      {comparedWith !== null && (
        <li title={`Faint and dashed: ${comparedWith}`}>
          <span className="chart-swatch is-dashed is-earlier" />
          <span className="visually-hidden">Faint and dashed: {comparedWith}</span>
        </li>
      )}
    </ul>
  );
}
