import type { WorkedOut } from '../../advise/worked-out.ts';
import type { PredictedEffect, Recommendation } from '../../contract/tuning.ts';
import type { Dismissal, Trial } from '../../storage/ports.ts';
import { hasEnded } from '../../storage/trial-refusals.ts';
import { type Calibration, calibrate, type PredictedMeasured } from '../../tune/calibration.ts';
import { dismissalOf } from '../../tune/dismissal.ts';
import { aboutOf } from '../../tune/trial-about.ts';

/** What does no harm leaves the time where it was, but for noise. */
const NO_HARM = 1.1;

/** What was worked out, with what past trials and people say of it. */
export function completed(
  { recommendation, parts, effect, msPerHour, aim }: WorkedOut,
  history: readonly Trial[],
  dismissals: readonly Dismissal[],
): Recommendation {
  // Each advisor has its own record.
  const past = pastOf(
    history.filter((one) => {
      const about = aboutOf(one);
      return about?.category === recommendation.category && (about.question.aim ?? 'gain') === aim;
    }),
  );
  const predicted = effect === null ? null : predictedOf(effect, msPerHour, aim, calibrate(past));
  const trial = history.find((one) => aboutOf(one)?.recommendation === recommendation.id);
  const dismissed = dismissalOf(parts, predicted?.savedMsPerHour ?? 0, dismissals);
  return {
    ...recommendation,
    predicted,
    state:
      trial !== undefined && !hasEnded(trial.state)
        ? 'trying'
        : trial?.state === 'kept'
          ? 'applied'
          : dismissed !== null
            ? 'dismissed'
            : 'open',
    trial: trial?.id ?? null,
    dismissal:
      dismissed === null
        ? null
        : { author: dismissed.author, authorName: null, reason: dismissed.reason, at: dismissed.at },
  };
}

function predictedOf(
  effect: number,
  msPerHour: number | null,
  aim: WorkedOut['aim'],
  { factor, bias, trials: learntFrom }: Calibration,
): PredictedEffect {
  // That nothing becomes slower promises nothing that could be dimmed.
  if (aim === 'no harm') {
    return { effect, low: effect / NO_HARM, high: effect * NO_HARM, savedMsPerHour: 0, learntFrom };
  }
  const mended = Math.min(1, effect * bias);
  return {
    effect: mended,
    low: mended / factor,
    high: mended * factor,
    savedMsPerHour: (msPerHour ?? 0) * (1 - mended),
    learntFrom,
  };
}

/** Every trial that was measured, newest first. */
export function pastOf(history: readonly Trial[]): readonly PredictedMeasured[] {
  return history.flatMap((trial) => {
    const about = aboutOf(trial);
    const effect = about?.judgement?.effect ?? null;
    if (about === null || about.predicted === null || effect === null || !hasEnded(trial.state)) return [];
    const { effect: predicted, modelled, low, high } = about.predicted;
    return [{ category: about.category, modelled: modelled ?? predicted, measured: effect, low, high }];
  });
}
