import type { TrialSpread } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { type SpreadPlace, spreadPlaces } from './spread-scale.ts';

interface SpreadStripProps {
  readonly before: TrialSpread | null;
  readonly after: TrialSpread | null;
}

const WIDTH = 220;
const ROW = 16;

/** The time a call before and after, one over the other: a line from least to most, a band of 10 to 90 %, a box of the middle half, a mark at the median. */
export function SpreadStrip({ before, after }: SpreadStripProps): ReactElement {
  const sides = [
    { name: 'before', spread: before },
    { name: 'after', spread: after },
  ].flatMap(({ name, spread }) => (spread === null ? [] : [{ name, spread }]));
  if (sides.length === 0) return <>–</>;
  const places = spreadPlaces(sides.map(({ spread }) => spread));
  return (
    <svg
      className="tuning-spread"
      viewBox={`0 0 ${WIDTH} ${2 * ROW}`}
      role="img"
      aria-label={sides.map(({ name, spread }) => `${name}: ${spreadText(spread)}`).join('; ')}
    >
      {sides.map(({ name, spread }, at) => {
        const place = places[at];
        return place === undefined ? null : (
          <g key={name} data-side={name} transform={`translate(0 ${name === 'before' ? 0 : ROW})`}>
            <title>{`${name}: ${spreadText(spread)}`}</title>
            <Side place={place} />
          </g>
        );
      })}
    </svg>
  );
}

function Side({ place }: { readonly place: SpreadPlace }): ReactElement {
  const { least, tenth, quarter, median, threeQuarters, nineTenths, most } = place;
  const bar = (kind: string, from: number, to: number, height: number): ReactElement => (
    <rect
      className={`tuning-spread-${kind}`}
      x={from * WIDTH}
      width={Math.max(1, (to - from) * WIDTH)}
      y={(ROW - height) / 2}
      height={height}
    />
  );
  return (
    <>
      {bar('whole', least, most, 1)}
      {bar('most', tenth, nineTenths, 5)}
      {bar('half', quarter, threeQuarters, 10)}
      <rect className="tuning-spread-median" x={median * WIDTH - 1} width={2} y={1} height={ROW - 2} />
    </>
  );
}

function spreadText({ stretches, quantiles }: TrialSpread): string {
  const [least = 0, , quarter = 0, median = 0, threeQuarters = 0, , most = 0] = quantiles;
  const ms = (value: number): string => formatQuantity('duration', value);
  return `half of ${stretches} stretches under ${ms(median)} a call, the middle half ${ms(quarter)} to ${ms(threeQuarters)}, all ${ms(least)} to ${ms(most)}`;
}
