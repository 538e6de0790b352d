import { escapeHtml } from './escape.ts';

/** A line of a chart; points without a value leave a gap. */
export interface ChartLine {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
  /** Draws points and no line. */
  readonly dots?: boolean;
}

/** A chart as text, to be put into a page. */
export interface ChartOptions {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  /** Writes a value of an axis. */
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
  /** Marks on the x axis; absent: five at even distances. */
  readonly ticks?: readonly { readonly x: number; readonly text: string }[];
  /** Values of y from which on a line is drawn across, with its name. */
  readonly limits?: readonly { readonly y: number; readonly name: string }[];
}

const WIDTH = 720;
const HEIGHT = 240;
const LEFT = 64;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 28;
const MOST_POINTS = 400;

/** An SVG with its legend; every text in it is escaped. */
export function chart({ title, lines, x, y, ticks, limits = [] }: ChartOptions): string {
  const points = lines.flatMap((line) => line.points).filter((point) => point.y !== null && Number.isFinite(point.y));
  if (points.length === 0)
    return `<figure><figcaption>${escapeHtml(title)}</figcaption><p>Nothing was measured.</p></figure>`;
  const xs = points.map((point) => point.x);
  const [minX, maxX] = [least(xs), greatest(xs)];
  const top = niceTop(Math.max(...points.map((point) => point.y ?? 0), ...limits.map((limit) => limit.y)));
  const atX = (value: number): number => LEFT + ((value - minX) / (maxX - minX || 1)) * (WIDTH - LEFT - RIGHT);
  const atY = (value: number): number => HEIGHT - BOTTOM - (Math.min(value, top) / top) * (HEIGHT - TOP - BOTTOM);
  const marks =
    ticks ??
    [0, 0.25, 0.5, 0.75, 1].map((share) => {
      const value = minX + share * (maxX - minX);
      return { x: value, text: x(value) };
    });
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const height = fixed(atY(share * top));
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${height}" y2="${height}"/><text class="tick" x="${LEFT - 6}" y="${height}" text-anchor="end" dominant-baseline="middle">${escapeHtml(y(share * top))}</text>`;
  });
  const axis = marks.map(
    (mark, at) =>
      `<text class="tick" x="${fixed(atX(mark.x))}" y="${HEIGHT - 8}" text-anchor="${at === 0 ? 'start' : at === marks.length - 1 ? 'end' : 'middle'}">${escapeHtml(mark.text)}</text>`,
  );
  const drawn = lines.map((line, at) => {
    const thinned = thin(line.points);
    if (line.dots === true) {
      return thinned
        .map((point) =>
          point.y === null
            ? ''
            : `<circle class="dot s${at}" cx="${fixed(atX(point.x))}" cy="${fixed(atY(point.y))}" r="4"><title>${escapeHtml(`${line.name}: ${x(point.x)}, ${y(point.y)}`)}</title></circle>`,
        )
        .join('');
    }
    let path = '';
    let isOpen = false;
    for (const point of thinned) {
      if (point.y === null || !Number.isFinite(point.y)) {
        isOpen = false;
        continue;
      }
      path += `${isOpen ? 'L' : 'M'}${fixed(atX(point.x))} ${fixed(atY(point.y))}`;
      isOpen = true;
    }
    return `<path class="line s${at}" d="${path}"><title>${escapeHtml(line.name)}</title></path>`;
  });
  const across = limits.map(
    (limit) =>
      `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(atY(limit.y))}" y2="${fixed(atY(limit.y))}"><title>${escapeHtml(limit.name)}</title></line>`,
  );
  // One line has the title's name.
  const keyed = lines.length > 1 ? lines : [];
  const legend = keyed.map((line, at) => `<span class="key k${at}">${escapeHtml(line.name)}</span>`).join(' ');
  return `<figure><figcaption>${escapeHtml(title)} ${legend}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${grid.join('')}${axis.join('')}${across.join('')}${drawn.join('')}</svg></figure>`;
}

/** Neighbours are put together by their greatest, which is what a reader looks for. */
function thin(points: ChartLine['points']): ChartLine['points'] {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size <= 1) return points;
  const thinned: { x: number; y: number | null }[] = [];
  for (let at = 0; at < points.length; at += size) {
    const block = points.slice(at, at + size);
    const values = block.flatMap((point) => (point.y === null ? [] : [point.y]));
    thinned.push({ x: block[0]?.x ?? 0, y: values.length === 0 ? null : greatest(values) });
  }
  return thinned;
}

/** 1, 2 or 5 times a power of ten. */
function niceTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function least(values: readonly number[]): number {
  return values.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
}

function greatest(values: readonly number[]): number {
  return values.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY);
}

function fixed(value: number): string {
  return value.toFixed(1);
}
