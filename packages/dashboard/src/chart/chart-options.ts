import type { EpochMs } from '@teamflow/autopilot/contract';
import type uPlot from 'uplot';
import { axisLabels } from '../format/quantity.ts';
import { clockMinute, clockTime } from '../format/time.ts';
import { lonelyPoints, niceCeiling } from './chart-data.ts';
import type { ChartDefinition, ChartSeries, SeriesColor } from './series.ts';

const CHART_HEIGHT = 156;
const LEFT_AXIS_WIDTH = 52;
const RIGHT_AXIS_WIDTH = 44;
/** Distances between times that read well, in seconds. */
const TIME_INCREMENTS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
/** Half the width of a letter of an axis' label, in pixels. */
const HALF_LETTER = 3.2;
/** Charts with the same key move their cursors together. */
const CURSOR_GROUP = 'autopilot';

/** What the cursor points at. */
export interface CursorPlace {
  /** The step. */
  readonly index: number;
  /** Pixels from the left edge of the chart. */
  readonly left: number;
}

/** uPlot's options for a chart. Colours are read when it draws, so that a change of scheme needs only a redraw. */
export function chartOptions(
  definition: ChartDefinition,
  width: number,
  onCursor: (cursor: CursorPlace | null) => void,
  silentSince: () => EpochMs | null,
): uPlot.Options {
  const hasRight = definition.series.some((one) => one.side === 'right');
  return {
    width,
    height: CHART_HEIGHT,
    padding: [8, hasRight ? 0 : 10, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: CURSOR_GROUP, setSeries: false, scales: ['x', null] },
      points: { size: 7, width: 2, fill: () => token('--surface') },
    },
    scales: {
      x: { time: true },
      left: { range: (_plot, _least, most) => [0, niceCeiling(most ?? 0, definition.leftFloor ?? 0)] },
      right: { range: (_plot, _least, most) => [0, niceCeiling(most ?? 0, definition.rightFloor ?? 0)] },
    },
    axes: [timeAxis(), valueAxis(definition, 'left'), ...(hasRight ? [valueAxis(definition, 'right')] : [])],
    series: [{}, ...definition.series.map(seriesOptions)],
    hooks: {
      setCursor: [(plot) => onCursor(cursorOf(plot))],
      drawClear: [(plot) => drawSilence(plot, silentSince())],
    },
  };
}

function cursorOf(plot: uPlot): CursorPlace | null {
  const { idx, left } = plot.cursor;
  if (idx == null || left === undefined || left < 0) return null;
  return { index: idx, left: Math.round(plot.bbox.left / devicePixelRatio + left) };
}

/** Shades the time from which on nobody answered: an empty end of a chart must not pass for calm. */
function drawSilence(plot: uPlot, since: EpochMs | null): void {
  const end = plot.scales['x']?.max;
  if (since === null || end === undefined || end === null || since / 1000 >= end) return;
  const { left, top, width, height } = plot.bbox;
  const start = Math.max(left, plot.valToPos(since / 1000, 'x', true));
  plot.ctx.save();
  plot.ctx.fillStyle = token('--silence-fill');
  plot.ctx.fillRect(start, top, left + width - start, height);
  plot.ctx.restore();
}

function seriesOptions(series: ChartSeries): uPlot.Series {
  return {
    label: series.label,
    scale: series.side ?? 'left',
    stroke: () => seriesColor(series.color),
    ...(series.filled === true ? { fill: () => token(`--series-${series.color}-fill`) } : {}),
    // What is read on the other axis steps back: it explains the first line.
    width: series.side === 'right' ? 1.1 : 1.6,
    ...(series.dashed === true ? { dash: [5, 3] } : {}),
    spanGaps: false,
    // A value alone between gaps has no line: a dot shows it.
    points: {
      show: false,
      size: 4,
      width: 0,
      fill: () => seriesColor(series.color),
      filter: (plot, index) => {
        // The one step before the range only leads lines in: alone it would be a dot on the axis.
        const first = plot.scales['x']?.min ?? 0;
        return lonelyPoints(plot.data[index] ?? []).filter((step) => (plot.data[0][step] ?? 0) >= first);
      },
    },
  };
}

function timeAxis(): uPlot.Axis {
  return {
    stroke: () => token('--chart-axis'),
    font: axisFont(),
    size: 24,
    gap: 4,
    space: 64,
    incrs: TIME_INCREMENTS,
    grid: { show: false },
    ticks: { show: false },
    values: (plot, splits, _axis, _space, increment) =>
      splits.map((seconds) => {
        const label = increment < 60 ? clockTime(seconds * 1000) : clockMinute(seconds * 1000);
        // A label that would be cut at the edge, or run into the other axis, is left out.
        const room = label.length * HALF_LETTER;
        const position = plot.valToPos(seconds, 'x');
        return position > plot.bbox.width / devicePixelRatio - room || position < room ? '' : label;
      }),
  };
}

function valueAxis(definition: ChartDefinition, side: 'left' | 'right'): uPlot.Axis {
  const ofSide = definition.series.filter((one) => (one.side ?? 'left') === side);
  const [first] = ofSide;
  return {
    scale: side,
    side: side === 'left' ? 3 : 1,
    // The right axis takes the colour of its only line: it says which one it belongs to.
    stroke: () => (side === 'right' && first !== undefined ? seriesColor(first.color) : token('--chart-axis')),
    font: axisFont(),
    size: side === 'left' ? LEFT_AXIS_WIDTH : RIGHT_AXIS_WIDTH,
    gap: 6,
    space: 36,
    grid: { show: side === 'left', stroke: () => token('--chart-grid'), width: 1 },
    ticks: { show: false },
    values: (_plot, splits, _axis, _space, increment) => axisLabels(first?.kind ?? 'count', splits, increment),
  };
}

function axisFont(): string {
  return `11px ${token('--font-text')}`;
}

function seriesColor(color: SeriesColor): string {
  return token(`--series-${color}`);
}

const tokens = new Map<string, string>();

/** Forgets the colours that were read: the scheme has changed. */
export function forgetTokens(): void {
  tokens.clear();
}

/** A design token's value. Read once per scheme: computed styles are slow to ask for on every draw. */
function token(name: string): string {
  const known = tokens.get(name);
  if (known !== undefined) return known;
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  tokens.set(name, value);
  return value;
}
