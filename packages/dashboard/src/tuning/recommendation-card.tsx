import { Button } from '@mantine/core';
import type { PredictedEffect, Recommendation } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { goTo, PageLink } from '../shell/page-link.tsx';

interface RecommendationCardProps {
  readonly recommendation: Recommendation;
  readonly about: { readonly service?: string };
  readonly onChange: () => void;
}

/** Statements that are shown with their plans. */
const SHOWN = 5;

/** One recommendation: what, why, what it is expected to bring, and what can be done about it. */
export function RecommendationCard({ recommendation, about, onChange }: RecommendationCardProps): ReactElement {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const { id, subject, reason, predicted, evidence, change, undo, statements } = recommendation;
  const ask = (act: () => Promise<void>): void => {
    setIsAsking(true);
    setTrouble(null);
    act()
      .catch((error: unknown) => setTrouble(failureOf(error).detail))
      .finally(() => setIsAsking(false));
  };
  const apply = async (): Promise<void> => {
    const trial = await api.applyRecommendation(id, about);
    goTo(`/tuning/${trial.id}`);
  };
  const dismiss = async (): Promise<void> => {
    await api.dismissRecommendation(id, 'Dismissed in the dashboard.', about);
    onChange();
  };
  return (
    <section className="card tuning-card" aria-labelledby={`recommendation-${id}`}>
      <header className="load-head">
        <h2 className="card-title" id={`recommendation-${id}`}>
          {subject}
        </h2>
        <StateOf recommendation={recommendation} />
        {predicted !== null && <span className="load-quiet">{effectText(predicted)}</span>}
      </header>
      <p>{reason}</p>
      {evidence.length > 0 && (
        <ul className="load-quiet">
          {evidence.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      {change.length > 0 && (
        <pre className="tuning-sql">
          <code>{change.join('\n')}</code>
        </pre>
      )}
      {statements.slice(0, SHOWN).map((one) => (
        <details key={one.text} className="tuning-statement">
          <summary>
            <code>{one.text.slice(0, 160)}</code>{' '}
            <span className="load-quiet">
              cost {formatQuantity('count', Math.round(one.costBefore))} →{' '}
              {formatQuantity('count', Math.round(one.costAfter))}
              {one.msPerHour === null ? '' : `, ${formatQuantity('duration', one.msPerHour)} an hour now`}
            </span>
          </summary>
          <div className="tuning-plans">
            <Plan title="Plan now" lines={one.planBefore} />
            <Plan title="Plan with it" lines={one.planAfter} />
          </div>
        </details>
      ))}
      <div className="load-actions">
        {recommendation.state === 'open' && (
          <>
            <Button size="xs" disabled={!recommendation.automatic} loading={isAsking} onClick={() => ask(apply)}>
              Try it
            </Button>
            <Button size="xs" variant="default" disabled={isAsking} onClick={() => ask(dismiss)}>
              Dismiss
            </Button>
          </>
        )}
        <span className="load-quiet">
          Risk {recommendation.risk}; effort {recommendation.effort}; taken back by {undo.length} statement
          {undo.length === 1 ? '' : 's'}.{recommendation.obstacle === null ? '' : ` ${recommendation.obstacle}`}
        </span>
      </div>
      {trouble !== null && (
        <p role="alert" className="load-trouble">
          {trouble}
        </p>
      )}
      <p className="load-quiet">{recommendation.means}</p>
    </section>
  );
}

function StateOf({
  recommendation: { state, trial, dismissal },
}: {
  readonly recommendation: Recommendation;
}): ReactElement {
  if (trial !== null && (state === 'trying' || state === 'applied')) {
    return <PageLink to={`/tuning/${trial}`}>{state === 'trying' ? 'Being tried' : 'Tried and kept'}</PageLink>;
  }
  if (dismissal !== null)
    return <span className="load-quiet">Dismissed by {dismissal.authorName ?? dismissal.author}</span>;
  return <></>;
}

function Plan({ title, lines }: { readonly title: string; readonly lines: readonly string[] }): ReactElement {
  return (
    <figure>
      <figcaption className="load-quiet">{title}</figcaption>
      <pre className="tuning-sql">
        <code>{lines.join('\n')}</code>
      </pre>
    </figure>
  );
}

/** What is expected, as words: "12 % of the time expected (4 % to 30 %)". */
export function effectText({ effect, low, high, savedMsPerHour }: PredictedEffect): string {
  const saved = savedMsPerHour > 0 ? `, ${formatQuantity('duration', savedMsPerHour)} less an hour` : '';
  return `${formatQuantity('ratio', effect)} of the time expected (${formatQuantity('ratio', low)} to ${formatQuantity('ratio', high)})${saved}`;
}
