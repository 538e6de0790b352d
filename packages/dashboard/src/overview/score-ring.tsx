import type { HealthStatus } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { quantity } from '../format/quantity.ts';

const RADIUS = 40;
const LENGTH = 2 * Math.PI * RADIUS;

/** The score as a number in a ring. */
export function ScoreRing({
  score,
  status,
}: {
  readonly score: number | null;
  readonly status: HealthStatus;
}): ReactElement {
  const filled = (LENGTH * (score ?? 0)) / 100;
  return (
    <div className="score-ring" data-status={status}>
      <svg viewBox="0 0 96 96" aria-hidden="true">
        <circle className="score-track" cx="48" cy="48" r={RADIUS} />
        {score !== null && score > 0 && (
          <circle className="score-arc" cx="48" cy="48" r={RADIUS} strokeDasharray={`${filled} ${LENGTH}`} />
        )}
      </svg>
      <div className="score-value numbers">
        <span className="visually-hidden">Health score: </span>
        {quantity('score', score).value}
        <span className="visually-hidden"> of 100</span>
      </div>
    </div>
  );
}
