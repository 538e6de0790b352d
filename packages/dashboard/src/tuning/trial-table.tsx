import type { TrialHead, TrialList } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import { PageLink } from '../shell/page-link.tsx';
import { PageSteps } from '../shell/page-steps.tsx';

interface TrialTableProps {
  readonly list: TrialList;
  readonly onPage: (cursor: string) => void;
}

/** The journal, newest first: what was predicted beside what was measured. */
export function TrialTable({ list: { trials, calibration, page }, onPage }: TrialTableProps): ReactElement {
  return (
    <section className="card table-card" aria-labelledby="trials-title">
      <header className="card-head">
        <h2 className="card-title" id="trials-title">
          Changes
        </h2>
        <span className="card-note">
          {calibration.trials === 0
            ? 'No prediction has been measured yet'
            : calibration.categories
                .map(
                  ({ category, within, trials: of, nextFactor }) =>
                    `${category}: ${within} of ${of} measured effects within their predicted interval, the next one ${nextFactor.toFixed(1)} times less to more`,
                )
                .join('; ')}
        </span>
      </header>
      {trials.length === 0 ? (
        <p className="card-empty">Nothing has been changed yet.</p>
      ) : (
        <div className="table-scroll">
          <table className="numbers" id="trials">
            <thead>
              <tr>
                <th scope="col">Change</th>
                <th scope="col">State</th>
                <th scope="col">Predicted time</th>
                <th scope="col">Measured time</th>
                <th scope="col">By</th>
                <th scope="col">Begun</th>
              </tr>
            </thead>
            <tbody>
              {trials.map(({ id, subject, state, predicted, measured, author, authorName, at }) => (
                <tr key={id}>
                  <th scope="row">
                    <PageLink to={`/tuning/${id}`}>{subject}</PageLink>
                  </th>
                  <td>
                    <TrialState state={state} />
                  </td>
                  <td>{formatQuantity('ratio', predicted?.effect)}</td>
                  <td>{formatQuantity('ratio', measured?.effect)}</td>
                  <td>{authorName ?? author}</td>
                  <td>{momentText(Date.parse(at), 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <PageSteps label="Pages of changes" page={page} onStep={onPage} />
    </section>
  );
}

const WORDS: Readonly<Record<TrialHead['state'], string>> = {
  proposed: 'Measuring before',
  applying: 'Being changed',
  watching: 'Measuring after',
  reverting: 'Being taken back',
  kept: 'Kept',
  reverted: 'Taken back',
  refused: 'Refused',
};

/** How the colours of states are named in load.css. */
const TONES: Readonly<Record<TrialHead['state'], string>> = {
  proposed: 'running',
  applying: 'running',
  watching: 'running',
  reverting: 'running',
  kept: 'done',
  reverted: 'invalid',
  refused: 'stopped',
};

/** A state in words. */
export function TrialState({ state }: { readonly state: TrialHead['state'] }): ReactElement {
  return (
    <span className="load-state" data-state={TONES[state]}>
      {WORDS[state]}
    </span>
  );
}
