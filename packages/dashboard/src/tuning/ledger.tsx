import type { TrialHead, TuningCalibration } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { goTo } from '../shell/page-link.tsx';

interface LedgerProps {
  readonly trials: readonly TrialHead[];
  readonly calibration: TuningCalibration;
}

/** A trial whose prediction was measured. Time after : before. */
interface LedgerEntry {
  readonly id: string;
  readonly subject: string;
  readonly predicted: number;
  readonly low: number;
  readonly high: number;
  readonly measured: number;
}

const WIDTH = 560;
const HEIGHT = 300;
const LEFT = 72;
const RIGHT = 24;
const TOP = 10;
const BOTTOM = 38;
const TICKS = [0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100] as const;

/** What was predicted against what was measured, and how far the next prediction of each kind can be trusted. */
export function Ledger({ trials, calibration }: LedgerProps): ReactElement {
  const entries = trials.flatMap(entryOf);
  if (calibration.trials === 0) return <></>;
  return (
    <section className="card tuning-card" aria-labelledby="ledger-title">
      <header className="card-head">
        <h2 className="card-title" id="ledger-title">
          Predicted and measured
        </h2>
        <span className="card-note">time of what a change touches, after to before</span>
      </header>
      <div className="tuning-ledger">
        {entries.length > 0 && <Scatter entries={entries} />}
        {/* A region that scrolls must be reachable by keyboard. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <section className="table-scroll" tabIndex={0} aria-label="How predictions have held so far">
          <table className="numbers tuning-calibration">
            <thead>
              <tr>
                <th scope="col">Kind</th>
                <th scope="col">Measured</th>
                <th scope="col">Within the interval</th>
                <th scope="col">Next interval</th>
                <th scope="col">Next mended by</th>
              </tr>
            </thead>
            <tbody>
              {calibration.categories.map(({ category, trials: of, within, nextFactor, nextBias }) => (
                <tr key={category}>
                  <th scope="row">{category}</th>
                  <td>{formatQuantity('count', of)}</td>
                  <td>
                    {within} of {of}
                  </td>
                  <td>
                    ÷ {nextFactor.toFixed(2)} to × {nextFactor.toFixed(2)}
                  </td>
                  <td>× {nextBias.toFixed(2)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </section>
  );
}

function entryOf({ id, subject, predicted, measured }: TrialHead): readonly LedgerEntry[] {
  const effect = measured?.effect ?? null;
  if (predicted === null || effect === null || effect <= 0 || predicted.effect <= 0) return [];
  return [{ id, subject, predicted: predicted.effect, low: predicted.low, high: predicted.high, measured: effect }];
}

/** Both axes are logarithms, so that half and twice are as far from one. On the diagonal it came as it was foretold. */
function Scatter({ entries }: { readonly entries: readonly LedgerEntry[] }): ReactElement {
  const all = entries.flatMap(({ predicted, measured, low, high }) => [predicted, measured, low, high]);
  const least = Math.min(1, ...all.filter((one) => one > 0));
  const most = Math.max(1, ...all);
  const from = TICKS.findLast((tick) => tick <= least) ?? TICKS[0];
  const to = TICKS.find((tick) => tick >= most) ?? TICKS[TICKS.length - 1];
  const [start, end] = [Math.log(from), Math.log(to ?? most)];
  const share = (value: number): number =>
    Math.min(1, Math.max(0, (Math.log(Math.max(value, 1e-9)) - start) / (end - start || 1)));
  const atX = (value: number): number => LEFT + share(value) * (WIDTH - LEFT - RIGHT);
  const atY = (value: number): number => HEIGHT - BOTTOM - share(value) * (HEIGHT - TOP - BOTTOM);
  const within = entries.filter(isWithin).length;
  return (
    <svg
      className="tuning-scatter"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${within} of ${entries.length} measured effects lie within the interval that was predicted`}
    >
      {TICKS.filter((tick) => tick >= from && tick <= (to ?? most)).map((tick) => (
        <g key={tick}>
          <line className="load-grid" x1={LEFT} x2={WIDTH - RIGHT} y1={atY(tick)} y2={atY(tick)} />
          <line className="load-grid" x1={atX(tick)} x2={atX(tick)} y1={TOP} y2={HEIGHT - BOTTOM} />
          <text x={LEFT - 6} y={atY(tick) + 4} textAnchor="end">
            {formatQuantity('ratio', tick)}
          </text>
          <text x={atX(tick)} y={HEIGHT - BOTTOM + 14} textAnchor="middle">
            {formatQuantity('ratio', tick)}
          </text>
        </g>
      ))}
      <line className="tuning-diagonal" x1={atX(from)} y1={atY(from)} x2={atX(to ?? most)} y2={atY(to ?? most)} />
      <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 6} textAnchor="middle">
        predicted, with its interval of four in five
      </text>
      <text
        x={12}
        y={(TOP + HEIGHT - BOTTOM) / 2}
        textAnchor="middle"
        transform={`rotate(-90 12 ${(TOP + HEIGHT - BOTTOM) / 2})`}
      >
        measured
      </text>
      {entries.map((one) => (
        <g key={one.id} className="tuning-entry" data-within={isWithin(one)}>
          <line x1={atX(one.low)} x2={atX(one.high)} y1={atY(one.measured)} y2={atY(one.measured)} />
          <circle cx={atX(one.predicted)} cy={atY(one.measured)} r={4.5} onClick={() => goTo(`/tuning/${one.id}`)}>
            <title>
              {one.subject}: {formatQuantity('ratio', one.predicted)} predicted, {formatQuantity('ratio', one.measured)}{' '}
              measured
            </title>
          </circle>
        </g>
      ))}
    </svg>
  );
}

function isWithin({ measured, low, high }: LedgerEntry): boolean {
  return measured >= low && measured <= high;
}
