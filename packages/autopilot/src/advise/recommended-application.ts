import type { PoolAdvice } from '../contract/pool-advice.ts';
import { sizeText } from './finding.ts';
import { AFFECTED, idOf, leave, percent, type WorkedOut } from './worked-out.ts';

/** What a route cost in the time that was looked at. */
export interface RouteUse {
  /** As facts name it. */
  readonly route: string;
  readonly requests: number;
  readonly meanMs: number;
}

/** What is known of a service beside its pools. */
export interface ApplicationSeen {
  readonly routes: readonly RouteUse[];
  /** For how long they were measured. */
  readonly measuredMs: number;
  /** Bodies in that time; null: compression is off, or told nothing. */
  readonly bodies: SentBodies | null;
  /** Of the processor time that there is, in use; null: not known. */
  readonly busyRatio: number | null;
  /** The settings as they are: compression.minBytes and effort, database.poolMax. */
  readonly minBytes: number;
  readonly effort: string;
  readonly poolMax: number | null;
}

/** What became of bodies. */
export interface SentBodies {
  /** As they were sent. */
  readonly bytesOut: number;
  /** Of those that were compressed, by how much they became smaller, 0 to 1; null: none was. */
  readonly savedShare: number | null;
  /** Those under compression.minBytes. */
  readonly smallAnswers: number;
  readonly smallBytes: number;
}

const HOUR_MS = 3_600_000;
/** A packet of 1,500 bytes, less its heads; what shortens an answer within one saves its bytes and no time. */
const LEAST_THRESHOLD = 256;
/** Small bodies are worth a thought when so much of what is sent is in them. */
const SMALL_SHARE = 0.2;
/** They become smaller by less than large ones: about half as much. */
const SMALL_GAIN = 0.5;
/** Processes that are busier have better things to do. */
const MOST_BUSY = 0.6;
/** No more of a service's time than this is promised. */
const MOST_SAVED = 0.9;
const POOL_MEANS =
  'A queueing model (Erlang C, with the corrections of Allen-Cunneen and Kimura) of how long callers wait for a connection, against what they waited.';
const THRESHOLD_MEANS =
  'A rule with figures: how much of what is sent is in small bodies, and how much larger ones became smaller.';
const EFFORT_MEANS = 'A rule: effort that follows the load needs no tuning by hand.';

/** Settings of an application as recommendations; judged by the time of each of its routes. */
export function recommendedApplication(
  database: string,
  pools: readonly PoolAdvice[],
  seen: ApplicationSeen,
): readonly WorkedOut[] {
  const subject = 'Connections of pools';
  const reason = 'No pool that leads to a watched database was heard of in the last minutes.';
  return [
    ...pools.map((one) => recommendedPool(one, pools.length, seen)),
    ...(pools.length > 0 ? [] : [leave(database, { category: 'application', subject, reason, means: POOL_MEANS })]),
    recommendedThreshold(database, seen),
    recommendedEffort(database, seen),
  ];
}

function recommendedPool(advice: PoolAdvice, pools: number, seen: ApplicationSeen): WorkedOut {
  const { pool, database, size, advised, action, reasons, instances, ratePerSecond, predictions } = advice;
  const subject = `Connections of the pool ${pool}`;
  if (action === 'leave') {
    return leave(database, { category: 'application', subject, reason: reasons.join(' '), means: POOL_MEANS });
  }
  const waitAt = (tried: number): number => predictions.find((one) => one.size === tried)?.waitMeanMs ?? 0;
  const savedMsPerHour = Math.max(0, waitAt(size) - waitAt(advised)) * ratePerSecond * 3600 * instances;
  const key = 'database.poolMax';
  return recommendedTrial(database, seen, {
    subject: `${subject} from ${size} to ${advised}`,
    key,
    value: advised,
    before: seen.poolMax,
    reason: reasons.join(' '),
    evidence: [
      `${Number(ratePerSecond.toPrecision(3))} callers a second keep a connection for ${Number(advice.useMs.toPrecision(3))} ms each.`,
      ...predictions.map(
        ({ size: at, utilization, waitMeanMs }) =>
          `At ${at}: ${percent(Math.min(1, utilization))} in use, callers wait ${waitMeanMs === null ? 'without end' : `${Number(waitMeanMs.toPrecision(2))} ms`}.`,
      ),
    ],
    obstacle: pools > 1 ? `${key} holds for all ${pools} pools of the service, and they want different sizes.` : null,
    savedMsPerHour,
    // A smaller one is worth having for the connections that others get.
    aim: advised > size ? 'gain' : 'no harm',
    risk: 'medium',
    means: POOL_MEANS,
  });
}

function recommendedThreshold(database: string, seen: ApplicationSeen): WorkedOut {
  const { bodies, busyRatio, minBytes, measuredMs } = seen;
  const left = (reason: string): WorkedOut =>
    leave(database, { category: 'application', subject: 'Threshold of compression', reason, means: THRESHOLD_MEANS });
  if (bodies === null || bodies.bytesOut === 0) return left('No bodies were measured in the last minutes.');
  const { bytesOut, savedShare, smallAnswers, smallBytes } = bodies;
  const share = smallBytes / bytesOut;
  const mean = smallAnswers === 0 ? 0 : smallBytes / smallAnswers;
  const value = Math.max(LEAST_THRESHOLD, Math.round(minBytes / 2));
  const seenWords = `${percent(share)} of the bytes sent are in bodies under ${minBytes} bytes, ${Math.round(mean)} bytes each on average.`;
  if (share < SMALL_SHARE) return left(seenWords);
  if (value >= minBytes || mean < value) return left(`${seenWords} Half the threshold would reach few of them.`);
  if (savedShare === null) return left(`${seenWords} What they would be smaller by is not known: none was compressed.`);
  if (busyRatio !== null && busyRatio > MOST_BUSY) {
    return left(`${seenWords} The processes are ${percent(busyRatio)} busy, over ${percent(MOST_BUSY)}.`);
  }
  const savedPerHour = (smallBytes * savedShare * SMALL_GAIN * HOUR_MS) / measuredMs;
  return recommendedTrial(database, seen, {
    subject: `compression.minBytes from ${minBytes} to ${value}`,
    key: 'compression.minBytes',
    value,
    before: minBytes,
    reason: seenWords,
    evidence: [
      `Compressed bodies became ${percent(savedShare)} smaller; about ${sizeText(savedPerHour)} an hour would be saved, half as much of each.`,
      'It is kept unless routes become slower.',
    ],
    obstacle: null,
    savedMsPerHour: 0,
    aim: 'no harm',
    risk: 'low',
    means: THRESHOLD_MEANS,
  });
}

function recommendedEffort(database: string, seen: ApplicationSeen): WorkedOut {
  const key = 'compression.effort';
  if (seen.effort === 'adaptive') {
    const reason = 'It is adaptive: harder while processes are idle, less while their event loops are late.';
    return leave(database, { category: 'application', subject: 'Effort of compression', reason, means: EFFORT_MEANS });
  }
  return recommendedTrial(database, seen, {
    subject: `${key} from ${seen.effort} to adaptive`,
    key,
    value: 'adaptive',
    before: seen.effort,
    reason: `It is fixed at "${seen.effort}", whatever the load: adaptive effort sends less while processes are idle, and costs less when their event loops are late.`,
    evidence: ['It is kept unless routes become slower.'],
    obstacle: null,
    savedMsPerHour: 0,
    aim: 'no harm',
    risk: 'low',
    means: EFFORT_MEANS,
  });
}

/** A setting with what it is recommended for. */
interface Tried {
  readonly subject: string;
  readonly key: string;
  readonly value: number | string;
  readonly before: number | string | null;
  readonly reason: string;
  readonly evidence: readonly string[];
  readonly obstacle: string | null;
  readonly savedMsPerHour: number;
  readonly aim: 'gain' | 'no harm';
  readonly risk: 'low' | 'medium';
  readonly means: string;
}

/** A setting of the application as a recommendation, which a trial judges by the routes that take most of the time. */
export function recommendedTrial(database: string, { routes, measuredMs }: ApplicationSeen, one: Tried): WorkedOut {
  const { subject, key, value, before, reason, evidence, savedMsPerHour, aim, risk, means } = one;
  const busiest = routes
    .filter(({ requests, meanMs }) => requests > 0 && meanMs > 0)
    .toSorted((a, b) => b.requests * b.meanMs - a.requests * a.meanMs)
    .slice(0, AFFECTED);
  const msPerHour = busiest.reduce((sum, { requests, meanMs }) => sum + requests * meanMs, 0) / (measuredMs / HOUR_MS);
  const obstacle =
    one.obstacle ?? (busiest.length > 0 ? null : 'No requests were measured, so nobody could tell what it does.');
  const [group = '', name = ''] = key.split('.');
  const patch = (to: number | string | null): string =>
    `PATCH /api/v1/config ${JSON.stringify({ [group]: { [name]: to } })}`;
  return {
    recommendation: {
      id: idOf([database, 'application', key, String(value)]),
      category: 'application',
      database,
      verdict: 'change',
      subject,
      change: [patch(value)],
      undo: [patch(before)],
      reason,
      evidence,
      statements: [],
      bytes: null,
      risk,
      effort: 'none: it applies while the service runs',
      automatic: obstacle === null,
      obstacle,
      means,
    },
    parts: [`${key} = ${value}`],
    effect: msPerHour > 0 ? 1 - Math.min(MOST_SAVED, savedMsPerHour / msPerHour) : 1,
    msPerHour,
    affected: Object.fromEntries(busiest.map(({ route }) => [route, route])),
    controls: [],
    aim,
    change: { kind: 'application-settings', settings: { [key]: value } },
    tables: [],
  };
}
