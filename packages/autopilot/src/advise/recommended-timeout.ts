import { durationText } from './finding.ts';
import { type ApplicationSeen, recommendedTrial } from './recommended-application.ts';
import { leave, type WorkedOut } from './worked-out.ts';

/** How long the calls of one statement took, as the application saw them. */
export interface StatementTimes {
  readonly text: string;
  readonly calls: number;
  /** 99.9 % of its calls stay under. */
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** What is known of statements and of what ends them. */
export interface TimeoutsSeen {
  readonly statements: readonly StatementTimes[];
  readonly measuredMs: number;
  /** Of the connections of the service; 0: there is none; null: not known. */
  readonly timeoutMs: number | null;
  /** Where it is set: "database.statementTimeoutMs", "the role orders". */
  readonly setBy: string;
}

/** Of fewer calls the slowest thousandth is nothing but the slowest: all of them are usual. */
const ENOUGH_CALLS = 1_000;
/** What is usual may take so many times longer on a bad day. */
const ROOM = 4;
const LEAST_MS = 5_000;
const MOST_MS = 600_000;
/** A timeout that is less than so many times what is usual ends calls on a bad day. */
const TIGHT = 2;
/** One that is so many times what it needs to be lets calls run that nobody waits for. */
const LOOSE = 10;
const SHOWN = 5;
const SUBJECT = 'Statement timeout';
const KEY = 'database.statementTimeoutMs';
const MEANS =
  'A rule with figures: four times the longest that calls usually take (99.9 % of those of each statement), against the longest that any took.';

/** A timeout for statements that run away: far over what is usual, so that it ends nothing that somebody waits for. */
export function recommendedTimeout(database: string, times: TimeoutsSeen, seen: ApplicationSeen): WorkedOut {
  const { statements, measuredMs, timeoutMs, setBy } = times;
  const left = (reason: string, evidence: readonly string[] = []): WorkedOut =>
    leave(database, { category: 'application', subject: SUBJECT, reason, means: MEANS, evidence });
  const called = statements.filter(({ calls }) => calls > 0);
  const slowest = called.toSorted((a, b) => usualMs(b) - usualMs(a))[0];
  if (slowest === undefined) return left('No statement was measured: the pool is not instrumented, or was not used.');
  const usual = usualMs(slowest);
  const advised = niceMs(Math.max(LEAST_MS, ROOM * usual));
  const runaways = called.filter(({ maxMs }) => maxMs > advised).toSorted((a, b) => b.maxMs - a.maxMs);
  const span = `the last ${durationText(measuredMs)}`;
  const usually = `In ${span} the calls of every statement usually ended within ${durationText(usual)} (${shown(slowest.text)}).`;
  const evidence = [
    usually,
    ...runaways
      .slice(0, SHOWN)
      .map(
        ({ text, maxMs, p999Ms }) =>
          `One call took ${durationText(maxMs)}, usually up to ${durationText(p999Ms)}: ${shown(text)}.`,
      ),
  ];
  if (advised > MOST_MS) {
    return left(
      `${usually} A timeout that leaves them alone would be over ${durationText(MOST_MS)}; set one for the rest by role.`,
    );
  }
  const now = timeoutMs ?? 0;
  const standing = now === 0 ? 'No timeout is known to be set.' : `It is ${durationText(now)}, set by ${setBy}.`;
  const change = (reason: string): WorkedOut =>
    recommendedTrial(database, seen, {
      subject: `${SUBJECT} of ${durationText(advised)}`,
      key: KEY,
      value: advised,
      before: setBy === KEY ? timeoutMs : null,
      reason,
      evidence: [...evidence, 'It is kept unless requests fail or routes become slower.'],
      obstacle: null,
      savedMsPerHour: 0,
      aim: 'no harm',
      risk: 'medium',
      means: MEANS,
    });
  if (now > 0 && now < TIGHT * usual) {
    return change(
      `${standing} Calls usually take up to ${durationText(usual)}: on a bad day it ends what somebody waits for.`,
    );
  }
  if (runaways.length > 0 && (now === 0 || now > LOOSE * advised)) {
    const longest = runaways[0]?.maxMs ?? 0;
    return change(
      `${standing} ${runaways.length === 1 ? 'A statement ran' : `${runaways.length} statements ran`} away, for up to ${durationText(longest)}: meanwhile each holds a connection, and keeps vacuum from taking dead rows.`,
    );
  }
  const longest = Math.max(...called.map(({ maxMs }) => maxMs));
  return left(
    now === 0
      ? `${standing} Nothing ran away in ${span}: the longest call took ${durationText(longest)}. One of ${durationText(advised)} would have ended none.`
      : `${standing} Calls usually end within ${durationText(usual)}, and the longest took ${durationText(longest)}: it is neither too tight nor too loose.`,
    evidence,
  );
}

function usualMs({ calls, p999Ms, maxMs }: StatementTimes): number {
  return calls >= ENOUGH_CALLS ? p999Ms : maxMs;
}

/** The next of 1, 2, 3 and 5 times a power of ten. */
function niceMs(ms: number): number {
  const power = 10 ** Math.floor(Math.log10(ms));
  return Math.round(([1, 2, 3, 5].find((step) => step * power >= ms * (1 - 1e-9)) ?? 10) * power);
}

function shown(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
