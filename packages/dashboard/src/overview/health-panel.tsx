import type { Deduction, Health, HealthComponent } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { Sparkline } from '../chart/sparkline.tsx';
import { formatPoints, quantity } from '../format/quantity.ts';
import { PageLink, pageOf } from '../shell/page-link.tsx';
import { ScoreRing } from './score-ring.tsx';
import { StatusBadge } from './status-badge.tsx';
import './health.css';

/** Below this the score of a component says little. */
const LITTLE_CONFIDENCE = 0.5;

/** The score, what it is made of, and the reason for each point lost. */
export function HealthPanel({
  health,
  isOfNow,
}: {
  readonly health: Health | undefined;
  /** The page is about another time: this is not. */
  readonly isOfNow: boolean;
}): ReactElement {
  const [trend = []] = Object.values(health?.trend.columns ?? {});
  return (
    <section className="card health" id="health" aria-labelledby="health-title">
      <div className="health-head">
        <ScoreRing score={health?.score ?? null} status={health?.status ?? 'unknown'} />
        <div className="health-summary">
          <h2 className="card-title" id="health-title">
            {isOfNow ? 'Health now' : 'Health'}
          </h2>
          <StatusBadge status={health?.status ?? 'unknown'} />
          <p className="card-note">{health === undefined ? 'Waiting for the first numbers' : summaryOf(health)}</p>
          {health !== undefined && (
            <div className="health-trend" title="The score over the last hour">
              <Sparkline values={trend} color="blue" floor={100} />
            </div>
          )}
        </div>
      </div>
      <ul className="health-components">
        {(health?.components ?? []).map((component) => (
          <HealthComponentItem key={component.name} component={component} />
        ))}
      </ul>
    </section>
  );
}

function HealthComponentItem({ component }: { readonly component: HealthComponent }): ReactElement {
  const { name, score, status, confidence, deductions, notes } = component;
  return (
    <li className="health-component" data-status={status}>
      <div className="health-line">
        <span className="health-name">{wordsOf(name)}</span>
        <span className="health-meter" aria-hidden="true">
          <span style={{ width: `${score ?? 0}%` }} />
        </span>
        <span className="health-score numbers">{quantity('score', score).value}</span>
        <span className="visually-hidden">{status}</span>
      </div>
      {deductions.length > 0 && (
        <ul>
          {deductions.map((deduction) => (
            <DeductionItem key={deduction.measure + deduction.link} deduction={deduction} />
          ))}
        </ul>
      )}
      {notes.map((note) => (
        <p key={note} className="health-note">
          {note}
        </p>
      ))}
      {score !== null && notes.length === 0 && confidence < LITTLE_CONFIDENCE && (
        <p className="health-note">Rests on little data so far.</p>
      )}
    </li>
  );
}

function DeductionItem({ deduction }: { readonly deduction: Deduction }): ReactElement {
  return (
    <li className="deduction">
      <span className="deduction-points numbers">
        {formatPoints(deduction.points)}
        <span className="visually-hidden"> points:</span>
      </span>
      <PageLink to={pageOf(deduction.link)}>{deduction.reason}</PageLink>
    </li>
  );
}

function summaryOf({ components, score }: Health): string {
  const judged = components.filter((one) => one.score !== null);
  if (score === null || judged.length === 0) return 'Nothing could be judged yet';
  const losing = judged.filter(({ deductions }) => deductions.length > 0);
  if (losing.length === 0)
    return judged.length === components.length ? 'No points lost' : 'No points lost where judged';
  return `Points lost in ${losing.length} of ${components.length} parts`;
}

/** "eventLoop" and "event-loop" as "Event loop". */
function wordsOf(name: string): string {
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('-', ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
