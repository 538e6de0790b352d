/** What a number is, and so how it is written. */
export type QuantityKind =
  | 'duration'
  | 'ratio'
  | 'bytes'
  | 'byteRate'
  | 'rate'
  | 'callRate'
  | 'average'
  | 'count'
  | 'apdex'
  | 'score';

/** A number as it is shown: the unit apart, because it is set smaller. */
export interface Quantity {
  readonly value: string;
  /** Empty where the number stands alone. */
  readonly unit: string;
}

/** Stands where nothing was measured; never a zero. */
export const NOTHING: Quantity = { value: '–', unit: '' };

/** A narrow no-break space: value and unit never part at a line's end. */
const GLUE = '\u202f';

interface Step {
  readonly from: number;
  readonly unit: string;
}

const durationSteps: readonly Step[] = [
  { from: 60_000, unit: 'min' },
  { from: 1000, unit: 's' },
  { from: 1, unit: 'ms' },
];

// SI steps, because "MB" means a million bytes.
const byteSteps: readonly Step[] = [
  { from: 1e12, unit: 'TB' },
  { from: 1e9, unit: 'GB' },
  { from: 1e6, unit: 'MB' },
  { from: 1e3, unit: 'kB' },
  { from: 1, unit: 'B' },
];

const plainSteps: readonly Step[] = [
  { from: 1e6, unit: 'M' },
  { from: 1e4, unit: 'k' },
  { from: 1, unit: '' },
];

/** Writes `value` for reading at a glance: three digits, the unit that fits; null and NaN as {@link NOTHING}. */
export function quantity(kind: QuantityKind, value: number | null | undefined): Quantity {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  switch (kind) {
    case 'duration':
      return stepped(value, durationSteps);
    case 'bytes':
      return whole(stepped(value, byteSteps));
    case 'byteRate': {
      const bytes = whole(stepped(value, byteSteps));
      return { value: bytes.value, unit: `${bytes.unit}/s` };
    }
    case 'ratio':
      return percent(value);
    case 'rate':
      return perSecond(value, 'req/s');
    case 'callRate':
      return perSecond(value, 'calls/s');
    case 'average':
      return { value: digits(value), unit: '' };
    case 'apdex':
      return { value: value.toFixed(2), unit: '' };
    case 'count':
      return value < 1e4 && Number.isInteger(value)
        ? { value: grouped(value), unit: '' }
        : { value: magnitude(value), unit: '' };
    case 'score':
      // 99.9 is not all there is: points were lost.
      return { value: Math.floor(value).toString(), unit: '' };
  }
}

/** {@link quantity} in one piece, for text and tables. */
export function formatQuantity(kind: QuantityKind, value: number | null | undefined): string {
  const { value: number, unit } = quantity(kind, value);
  return unit === '' ? number : `${number}${GLUE}${unit}`;
}

/** Points lost, with the sign: "−12", "−0.2". */
export function formatPoints(points: number): string {
  return `−${points < 0.95 ? Math.max(0.1, points).toFixed(1) : Math.round(points)}`;
}

/**
 * Labels of an axis' ticks: all in one unit, the one that fits the largest, with no more decimals than the
 * distance between ticks needs.
 */
export function axisLabels(kind: QuantityKind, ticks: readonly number[], spacing: number): string[] {
  const largest = ticks.at(-1) ?? 0;
  const { factor, unit } = kind === 'duration' ? durationUnit(largest, spacing) : axisUnit(kind, largest);
  const decimals = decimalsOf(spacing / factor);
  return ticks.map((tick) => {
    const number = (tick / factor).toFixed(decimals);
    if (unit === '' || unit === 'k' || unit === 'M') return `${number}${unit}`;
    return `${number}${GLUE}${unit}`;
  });
}

/** 100 s are 100 s and not 1.6667 min: a minute only where its ticks have few decimals. */
function durationUnit(largest: number, spacing: number): { factor: number; unit: string } {
  const fits = durationSteps.find(({ from }) => largest >= from && decimalsOf(spacing / from) <= 2);
  return fits === undefined ? factorOf(durationSteps, largest) : { factor: fits.from, unit: fits.unit };
}

/** How many decimals `spacing` has: 2.5 has one, 0.02 two. */
function decimalsOf(spacing: number): number {
  for (let decimals = 0; decimals < 4; decimals += 1) {
    const shifted = spacing * 10 ** decimals;
    if (Math.abs(shifted - Math.round(shifted)) < 1e-6 && shifted >= 1) return decimals;
  }
  return 4;
}

function axisUnit(kind: QuantityKind, largest: number): { factor: number; unit: string } {
  switch (kind) {
    case 'ratio':
      return { factor: 0.01, unit: '%' };
    case 'duration':
      return factorOf(durationSteps, largest);
    case 'bytes':
    case 'byteRate':
      return factorOf(byteSteps, largest);
    case 'rate':
    case 'callRate':
    case 'count':
    case 'average':
    case 'apdex':
    case 'score':
      return factorOf(plainSteps, largest);
  }
}

function factorOf(steps: readonly Step[], largest: number): { factor: number; unit: string } {
  const step = steps.find((one) => largest >= one.from) ?? steps.at(-1);
  if (step === undefined) return { factor: 1, unit: '' };
  // "12k" starts at ten thousand but counts thousands.
  const factor = step.unit === 'k' ? 1000 : step.from;
  return { factor, unit: step.unit };
}

function stepped(value: number, steps: readonly Step[]): Quantity {
  const size = Math.abs(value);
  for (const [index, step] of steps.entries()) {
    const scaled = size / step.from;
    // 999.7 ms rounds to 1,000, which is written as 1.0 s.
    if (scaled >= 0.9995 || index === steps.length - 1) {
      return { value: digits(value / step.from), unit: step.unit };
    }
  }
  return { value: digits(value), unit: '' };
}

/** Bytes have no halves. */
function whole(bytes: Quantity): Quantity {
  return bytes.unit === 'B' ? { value: Math.round(Number(bytes.value)).toString(), unit: 'B' } : bytes;
}

function percent(ratio: number): Quantity {
  const value = ratio * 100;
  if (value > 0 && value < 0.01) return { value: '<0.01', unit: '%' };
  // Nearly all is not all: 99.97 % must not be read as every one.
  if (value < 100 && value >= 99.95) return { value: (Math.floor(value * 100) / 100).toFixed(2), unit: '%' };
  return { value: digits(value), unit: '%' };
}

function perSecond(value: number, unit: string): Quantity {
  if (value > 0 && value < 0.01) return { value: '<0.01', unit };
  return { value: Math.abs(value) < 1e4 ? digits(value) : magnitude(value), unit };
}

function magnitude(value: number): string {
  if (Math.abs(value) < 1e4) return digits(value);
  return Math.abs(value) < 999_500 ? `${digits(value / 1e3)}k` : `${digits(value / 1e6)}M`;
}

/** 0.34, 1.2, 12.3, 123, 1,234: what the eye compares, no more. */
function digits(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 0.995) return value.toFixed(2);
  if (size < 99.95) return value.toFixed(1);
  return grouped(Math.round(value));
}

function grouped(value: number): string {
  return value.toString().replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
