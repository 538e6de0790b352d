import { mayEnd, stretchMs } from './interleaving.ts';
import type { TrialAbout } from './trial-about.ts';
import type { TrialCourse } from './trial-course.ts';
import { type JudgementRules, judgeTrial, type TrialJudgement } from './trial-judgement.ts';
import type { TrialTimes } from './trial-times.ts';

/** What becomes of a trial that is watched. */
export interface TrialDecision {
  readonly call: 'keep' | 'revert' | 'wait';
  readonly reason: string;
  readonly judgement: TrialJudgement;
}

/**
 * Decides on a trial by what was measured so far. Harm goes at once; a gain stays after the least time; what shows neither within the
 * most time goes, unless it was to do no harm and looks like none.
 */
export function decideTrial(
  { interleaving, question: asked, appliedAt }: TrialAbout,
  { before, after }: Pick<TrialCourse, 'before' | 'after'>,
  times: TrialTimes,
  rules: JudgementRules,
  now: number,
): TrialDecision {
  // Half of the time it is off.
  const measuredMs = after.reduce((sum, one) => sum + one.durationMs, 0) * (interleaving === undefined ? 1 : 2);
  const isTime = measuredMs >= times.minMs && mayEnd(interleaving);
  const isOver = measuredMs >= times.maxMs;
  const stretch = stretchMs(times, now - Date.parse(appliedAt ?? ''));
  const question = interleaving === undefined ? asked : { ...asked, nearMs: 2 * stretch };
  const judgement = judgeTrial(before, after, question, rules);
  const { verdict, reason } = judgement;
  const decided = (call: TrialDecision['call'], more = ''): TrialDecision => ({
    call,
    reason: `${reason}${more}`,
    judgement,
  });
  if (verdict === 'worse') return decided('revert');
  if (verdict === 'better' && isTime) return decided('keep');
  if (question.aim === 'no harm' && isUnharmed(judgement, isOver, rules)) {
    return isTime ? decided('keep', ' Nothing is slower for it.') : decided('wait');
  }
  if (verdict === 'no difference' && isTime) return decided('revert', ' It costs something and brings nothing.');
  return isOver ? decided('revert', ' There was no more time for it.') : decided('wait');
}

/** What is to be no harm is kept once that is shown, and in the end unless it looks like harm. */
function isUnharmed({ verdict, effect }: TrialJudgement, isOver: boolean, { leastEffect }: JudgementRules): boolean {
  return verdict === 'no difference' || (isOver && effect !== null && effect <= 1 + leastEffect);
}
