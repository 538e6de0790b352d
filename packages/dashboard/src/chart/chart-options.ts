import type { EpochMs, TimeSpan } from '@teamflow/autopilot/contract';
import type uPlot from 'uplot';
import { axisLabels } from '../format/quantity.ts';
import { axisTime } from '../format/time.ts';
import { lonelyPoints, niceCeiling } from './chart-data.ts';
import { drawMissing, drawReleases } from './chart-marks.ts';
import type { ChartScope } from './chart-scope.ts';
import { axisFont, token } from './chart-tokens.ts';
import type { ChartDefinition, ChartSeries, SeriesColor } from './series.ts';

const CHART_HEIGHT = 156;
const LEFT_AXIS_WIDTH = 52;
const RIGHT_AXIS_WIDTH = 44;
/** Distances between times that read well, in seconds. */
const TIME_INCREMENTS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
  1_209_600, 2_419_200,
];
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

/** What a chart draws beside its lines, and whom it tells; read at each draw, because it changes each second. */
export interface ChartSight {
  readonly scope: ChartScope;
  readonly missing: readonly TimeSpan[];
  readonly onCursor: (cursor: CursorPlace | null) => void;
}

/** Below this many pixels a drag is a slip of the hand. */
const LEAST_DRAG_PX = 6;

/** uPlot's options for a chart. Colours are read when it draws, so that a change of scheme needs only a redraw. */
export function chartOptions(
  definition: ChartDefinition,
  width: number,
  isCompared: boolean,
  seen: () => ChartSight,
): uPlot.Options {
  const hasRight = definition.series.some((one) => one.side === 'right');
  return {
    width,
    height: CHART_HEIGHT,
    padding: [8, hasRight ? 0 : 10, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG_PX },
      // A drag is of the chart it is made on: the others follow when the range has changed.
      sync: {
        key: CURSOR_GROUP,
        setSeries: false,
        scales: ['x', null],
        filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' },
      },
      bind: dragBinding(seen),
      points: { size: 7, width: 2, fill: () => token('--surface') },
    },
    scales: {
      x: { time: true },
      left: { range: (_plot, _least, most) => [0, niceCeiling(most ?? 0, definition.leftFloor ?? 0)] },
      right: { range: (_plot, _least, most) => [0, niceCeiling(most ?? 0, definition.rightFloor ?? 0)] },
    },
    axes: [timeAxis(), valueAxis(definition, 'left'), ...(hasRight ? [valueAxis(definition, 'right')] : [])],
    series: [{}, ...definition.series.map(seriesOptions), ...(isCompared ? definition.series.map(earlierOptions) : [])],
    hooks: {
      setCursor: [(plot) => seen().onCursor(cursorOf(plot))],
      drawClear: [
        (plot) => {
          const { missing, scope } = seen();
          drawMissing(plot, missing);
          drawSilence(plot, scope.silentSince);
        },
      ],
      draw: [(plot) => drawReleases(plot, seen().scope.releases)],
    },
  };
}

/**
 * Zooms by what is dragged over, and out by a double-click. The ends are taken from the mouse itself: uPlot's selection follows it by
 * the frame, and is behind a quick hand.
 */
function dragBinding(seen: () => ChartSight): uPlot.Cursor.Bind {
  let start: { readonly x: number; readonly at: EpochMs } | null = null;
  const timeAt = (plot: uPlot, x: number): EpochMs => {
    const { left, width } = plot.over.getBoundingClientRect();
    return plot.posToVal(Math.min(width, Math.max(0, x - left)), 'x') * 1000;
  };
  return {
    mousedown: (plot, _target, handle) => (event) => {
      start = event.button === 0 ? { x: event.clientX, at: timeAt(plot, event.clientX) } : null;
      handle(event);
      return null;
    },
    mouseup: (plot, _target, handle) => (event) => {
      handle(event);
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      if (start !== null && Math.abs(event.clientX - start.x) >= LEAST_DRAG_PX) {
        seen().scope.onZoom(start.at, timeAt(plot, event.clientX));
      }
      start = null;
      return null;
    },
    dblclick: () => () => {
      seen().scope.onZoomOut();
      return null;
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

/** The same line in an earlier range: fainter, thinner, dashed. */
function earlierOptions(series: ChartSeries): uPlot.Series {
  return {
    label: `${series.label} before`,
    scale: series.side ?? 'left',
    stroke: () => seriesColor(series.color),
    alpha: 0.55,
    width: 1,
    dash: [3, 4],
    spanGaps: false,
    points: { show: false },
  };
}

function timeAxis(): uPlot.Axis {
  return {
    stroke: () => token('--chart-axis'),
    font: axisFont(11),
    size: 24,
    gap: 4,
    space: 64,
    incrs: TIME_INCREMENTS,
    grid: { show: false },
    ticks: { show: false },
    values: (plot, splits, _axis, _space, increment) =>
      splits.map((seconds) => {
        const label = axisTime(seconds * 1000, increment * 1000);
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
    font: axisFont(11),
    size: side === 'left' ? LEFT_AXIS_WIDTH : RIGHT_AXIS_WIDTH,
    gap: 6,
    space: 36,
    grid: { show: side === 'left', stroke: () => token('--chart-grid'), width: 1 },
    ticks: { show: false },
    values: (_plot, splits, _axis, _space, increment) => axisLabels(first?.kind ?? 'count', splits, increment),
  };
}

function seriesColor(color: SeriesColor): string {
  return token(`--series-${color}`);
}
