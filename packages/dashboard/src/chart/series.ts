import type { QuantityKind } from '../format/quantity.ts';

/** Colours that stay apart without colour vision and in grey; the values are in styles/tokens.css. */
export type SeriesColor = 'blue' | 'teal' | 'orange' | 'violet' | 'red';

/** One line of a chart. */
export interface ChartSeries {
  /** The frame's column. */
  readonly column: string;
  readonly label: string;
  readonly color: SeriesColor;
  readonly kind: QuantityKind;
  /** Which axis it is read on; default left. */
  readonly side?: 'left' | 'right';
  /** Shades the area under the line. */
  readonly filled?: boolean;
  /** Told apart from a neighbour by more than its colour. */
  readonly dashed?: boolean;
}

/** A chart: what it is called and what it draws. Constant, so that the drawing is set up once. */
export interface ChartDefinition {
  readonly id: string;
  readonly title: string;
  readonly series: readonly ChartSeries[];
  /** Where the axis ends at least, so that noise near zero does not look like a mountain. */
  readonly leftFloor?: number;
  readonly rightFloor?: number;
}
