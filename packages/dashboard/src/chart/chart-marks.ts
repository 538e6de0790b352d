import type { ReleaseMark, TimeSpan } from '@teamflow/autopilot/contract';
import type uPlot from 'uplot';
import { axisFont, token } from './chart-tokens.ts';

const HATCH_PX = 6;
/** A label that would lie on the one before it is left out: its line stays. */
const LABEL_GAP_PX = 8;

/** Hatches the time of which nothing is known: an empty stretch must not pass for calm. */
export function drawMissing(plot: uPlot, missing: readonly TimeSpan[]): void {
  const pattern = hatchOf(plot.ctx);
  if (pattern === null) return;
  const { left, top, width, height } = plot.bbox;
  plot.ctx.save();
  plot.ctx.fillStyle = pattern;
  for (const { from, to } of missing) {
    const start = Math.max(left, plot.valToPos(from / 1000, 'x', true));
    const end = Math.min(left + width, plot.valToPos(to / 1000, 'x', true));
    // At least a line's width: a short gap in a long range is a gap.
    if (end > left && start < left + width)
      plot.ctx.fillRect(start, top, Math.max(end - start, devicePixelRatio), height);
  }
  plot.ctx.restore();
}

/** A line where each release was first seen, with its name at the top. */
export function drawReleases(plot: uPlot, releases: readonly ReleaseMark[]): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = token('--mark');
  ctx.fillStyle = token('--mark');
  ctx.lineWidth = ratio;
  ctx.font = axisFont(10 * ratio);
  ctx.textBaseline = 'top';
  ctx.textAlign = 'left';
  let free = bbox.left;
  for (const { at, release } of releases) {
    const x = Math.round(plot.valToPos(Date.parse(at) / 1000, 'x', true)) + ratio / 2;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.moveTo(x - 3.5 * ratio, bbox.top);
    ctx.lineTo(x + 3.5 * ratio, bbox.top);
    ctx.lineTo(x, bbox.top + 5 * ratio);
    ctx.fill();
    const text = release.length > 16 ? `${release.slice(0, 15)}…` : release;
    const width = ctx.measureText(text).width;
    const right = x + 6 * ratio;
    // Beside the line, on the side that has the room.
    const start = right + width <= bbox.left + bbox.width ? right : x - 6 * ratio - width;
    if (start < free) continue;
    ctx.fillText(text, start, bbox.top);
    free = start + width + LABEL_GAP_PX * ratio;
  }
  ctx.restore();
}

let hatch: { readonly color: string; readonly ratio: number; readonly pattern: CanvasPattern | null } | null = null;

function hatchOf(ctx: CanvasRenderingContext2D): CanvasPattern | null {
  const color = token('--hatch');
  const ratio = devicePixelRatio;
  if (hatch !== null && hatch.color === color && hatch.ratio === ratio) return hatch.pattern;
  const size = HATCH_PX * ratio;
  const tile = document.createElement('canvas');
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext('2d');
  if (pen === null) return null;
  pen.strokeStyle = color;
  pen.lineWidth = ratio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  hatch = { color, ratio, pattern: ctx.createPattern(tile, 'repeat') };
  return hatch.pattern;
}
