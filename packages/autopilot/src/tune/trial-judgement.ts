import type { ServiceVitals } from './guard-metrics.ts';
import { type Block, type Comparison, compareSequentially } from './sequential-comparison.ts';

/** What one statement cost within a sample. */
export interface StatementUse {
  readonly calls: number;
  readonly totalMs: number;
  /** Pages of 8 KiB found in the server's memory or asked of the system: work that does not depend on how busy it is. */
  readonly buffers: number;
}

/** A stretch of time of a trial. */
export interface TrialSample {
  /** ms since 1970 at its end. */
  readonly at: number;
  readonly durationMs: number;
  /** By the id of the statement: those that the change is meant to touch, and those that tell how everything else went. */
  readonly statements: Readonly<Record<string, StatementUse>>;
  /** Of the whole service; null: nothing was heard of it. */
  readonly service: ServiceVitals | null;
}

/** What a trial is about. */
export interface TrialQuestion {
  /** Ids of the statements that the change is meant to touch. */
  readonly affected: readonly string[];
  /** Ids of those it is not: what they went through, the others went through too. */
  readonly controls: readonly string[];
  /** `no harm`: it is worth having whatever they say, and is kept unless they become slower; default gain. */
  readonly aim?: 'gain' | 'no harm';
  /** Routes of the service in place of statements of a database. */
  readonly of?: 'routes';
  /** The change is on and off in turn: each block is seen against those, on and off, that are at most so many ms away. */
  readonly nearMs?: number;
  /** The one instance that has the change; its routes are compared with those of the others. */
  readonly canary?: string;
}

/** How much it takes to judge. */
export interface JudgementRules {
  /** Of a block. */
  readonly blockMs: number;
  readonly blockCalls: number;
  /** Blocks after the change before a verdict that is not urgent. */
  readonly leastBlocks: number;
  /** The chance of a wrong verdict of a change that does nothing, however often it is looked at. */
  readonly alpha: number;
  /** Less than this is no difference, as a ratio. */
  readonly leastEffect: number;
}

/** What a trial says so far. `worse` and `better` stand; the others may still change with more blocks. */
export type TrialVerdict = 'better' | 'worse' | 'no difference' | 'not enough evidence';

/** One statement of a trial. */
export interface StatementJudgement {
  readonly statement: string;
  readonly callsBefore: number;
  readonly callsAfter: number;
  readonly meanMsBefore: number | null;
  readonly meanMsAfter: number | null;
  readonly buffersBefore: number | null;
  readonly buffersAfter: number | null;
  /** Time per call, after : before, cleared of what other statements went through. */
  readonly time: Comparison;
  readonly work: Comparison;
  readonly verdict: TrialVerdict;
}

/** A trial judged on what it has measured. */
export interface TrialJudgement {
  readonly verdict: TrialVerdict;
  readonly reason: string;
  /** Time of the affected statements for the mix of calls from before the change, after : before. */
  readonly effect: number | null;
  readonly interval: readonly [number | null, number | null];
  readonly evidence: number;
  readonly statements: readonly StatementJudgement[];
}

/** What is judged has to be at least this share of the time. */
export const coveredShare = 0.5;
/** Fewer give no idea of the noise. */
const leastBaselineBlocks = 6;

/**
 * Judges a change on what it was meant to touch. Each statement is compared with itself, so a shift of the mix is no effect; the
 * whole is their effects weighted by what they cost before. The evidence for the whole is the weighted mean of theirs, which is
 * evidence again (Vovk & Wang 2021, Annals of Statistics 49); that for one statement is asked for by Bonferroni.
 */
export function judgeTrial(
  before: readonly TrialSample[],
  after: readonly TrialSample[],
  { affected, controls, nearMs }: TrialQuestion,
  rules: JudgementRules,
): TrialJudgement {
  const statements = affected.map((statement) => {
    const sides = [before, after].map((samples) => totalOf(samples, statement));
    const compare = (value: (use: StatementUse) => number, isTime: boolean): Comparison => {
      const blocks = [before, after].map((samples) =>
        blocksOf(samples, before, statement, isTime ? controls : [], value, rules),
      );
      const [off = [], on = []] = nearMs === undefined ? blocks : besideOthers(blocks, nearMs);
      return compareSequentially(off, on, rules.alpha);
    };
    const time = compare(({ totalMs }) => totalMs + timeFloorMs, true);
    const work = compare(({ buffers }) => buffers + 0.5, false);
    const [first, second] = sides;
    return {
      statement,
      callsBefore: first?.calls ?? 0,
      callsAfter: second?.calls ?? 0,
      meanMsBefore: meanOf(first, 'totalMs'),
      meanMsAfter: meanOf(second, 'totalMs'),
      buffersBefore: meanOf(first, 'buffers'),
      buffersAfter: meanOf(second, 'buffers'),
      time,
      work,
      verdict: verdictOf(time, work, affected.length, rules),
    };
  });
  return wholeOf(statements, rules);
}

/** The share of the affected statements' time that is of statements with blocks enough to be compared with later; null: none was called. */
export function baselineShare(
  before: readonly TrialSample[],
  { affected }: TrialQuestion,
  rules: JudgementRules,
): number | null {
  let [total, enough] = [0, 0];
  for (const statement of affected) {
    const { totalMs } = totalOf(before, statement);
    total += totalMs;
    const blocks = blocksOf(before, before, statement, [], (use) => use.totalMs + timeFloorMs, rules);
    if (blocks.length >= leastBaselineBlocks) enough += totalMs;
  }
  return total === 0 ? null : enough / total;
}

/** A call takes at least this long to be told from another one, in ms of a block's sum. */
const timeFloorMs = 0.001;

function verdictOf(time: Comparison, work: Comparison, among: number, rules: JudgementRules): TrialVerdict {
  const { evidence, effect } = combined(time, work);
  if (effect === null) return 'not enough evidence';
  if (evidence >= among / rules.alpha) {
    if (effect > 1 + rules.leastEffect) return 'worse';
    if (effect < 1 - rules.leastEffect) return 'better';
  }
  return isNothing(time, rules) ? 'no difference' : 'not enough evidence';
}

function isNothing({ interval: [low, high] }: Pick<Comparison, 'interval'>, { leastEffect }: JudgementRules): boolean {
  return low !== null && high !== null && low > 1 - leastEffect && high < 1 + leastEffect;
}

/** Time decides; where the work says the same, its evidence counts as much, as it is not blurred by what else the server does. */
function combined(time: Comparison, work: Comparison): { readonly evidence: number; readonly effect: number | null } {
  if (time.effect === null || work.effect === null) return time;
  const agree = time.effect < 1 === work.effect < 1 && Math.abs(Math.log(work.effect)) > 0.05;
  return { evidence: agree ? (time.evidence + work.evidence) / 2 : time.evidence, effect: time.effect };
}

function wholeOf(statements: readonly StatementJudgement[], rules: JudgementRules): TrialJudgement {
  const cost = (one: StatementJudgement): number => one.callsBefore * (one.meanMsBefore ?? 0);
  const total = statements.reduce((sum, one) => sum + cost(one), 0);
  const judged = statements.filter(({ time }) => time.effect !== null);
  const covered = judged.reduce((sum, one) => sum + cost(one), 0);
  if (total === 0 || covered < coveredShare * total) {
    const reason = `${judged.length} of ${statements.length} statements were called often enough to be judged.`;
    return {
      verdict: 'not enough evidence',
      reason,
      effect: null,
      interval: [null, null],
      evidence: 1,
      statements,
    };
  }
  const weighted = (value: (one: StatementJudgement) => number): number =>
    judged.reduce((sum, one) => sum + (cost(one) / covered) * value(one), 0);
  const effect = weighted(({ time }) => time.effect ?? 1);
  // Rare statements have too few blocks for an interval: without them it is that of the others.
  const bounded = judged.filter(({ time: { interval: ends } }) => ends[0] !== null && ends[1] !== null);
  const boundedCost = bounded.reduce((sum, one) => sum + cost(one), 0);
  const ends = [0, 1].map((end) =>
    boundedCost < coveredShare * total
      ? null
      : bounded.reduce((sum, one) => sum + (cost(one) / boundedCost) * (one.time.interval[end] ?? 1), 0),
  );
  const evidence = weighted(({ time, work }) => combined(time, work).evidence);
  const interval = [ends[0] ?? null, ends[1] ?? null] as const;
  const result = { effect, interval, evidence, statements };
  const lost = (verdict: TrialVerdict): number =>
    judged.reduce((sum, one) => sum + (one.verdict === verdict ? cost(one) * ((one.time.effect ?? 1) - 1) : 0), 0);
  if (lost('worse') > 0 && lost('worse') >= -lost('better')) {
    const worst = judged.find(({ verdict }) => verdict === 'worse');
    const reason = `A statement takes ${percentChange(worst?.time.effect ?? 1)} time a call, and others do not make up for it.`;
    return { ...result, verdict: 'worse', reason };
  }
  const blocks = blocksOfMost(judged, cost, coveredShare * total);
  if (evidence >= 1 / rules.alpha && Math.abs(effect - 1) > rules.leastEffect) {
    const words = `The affected statements take ${percentChange(effect)} time for the same calls (${intervalText(interval)}).`;
    if (effect > 1) return { ...result, verdict: 'worse', reason: words };
    if (blocks >= rules.leastBlocks) return { ...result, verdict: 'better', reason: words };
  }
  if (isNothing(result, rules) && blocks >= rules.leastBlocks) {
    const reason = `The affected statements take as long as before (${intervalText(interval)}).`;
    return { ...result, verdict: 'no difference', reason };
  }
  const reason = `After ${blocks} blocks the effect is not clear yet (${intervalText(interval)}).`;
  return { ...result, verdict: 'not enough evidence', reason };
}

/** The fewest blocks after the change among the dearest statements, so many of them that they make up `enough`: rare ones are not waited for. */
function blocksOfMost(
  judged: readonly StatementJudgement[],
  cost: (one: StatementJudgement) => number,
  enough: number,
): number {
  let [seen, fewest] = [0, Number.POSITIVE_INFINITY];
  for (const one of judged.toSorted((a, b) => cost(b) - cost(a))) {
    seen += cost(one);
    fewest = Math.min(fewest, one.time.blocksAfter);
    if (seen >= enough) break;
  }
  return fewest;
}

/** A block that knows when it was. */
interface TimedBlock extends Block {
  /** ms since 1970, of its middle. */
  readonly at: number;
}

/**
 * Of a change that is flipped: each block with how long calls took around it, on and off counting alike and itself left out, so that
 * what drifts more slowly than it is flipped explains itself. Blocks that have not both around them say nothing.
 */
function besideOthers(phases: readonly (readonly TimedBlock[])[], nearMs: number): readonly (readonly Block[])[] {
  const sums = phases.map((phase) => {
    let sum = 0;
    return [0, ...phase.map(({ logMean }) => (sum += logMean))];
  });
  /** Of a phase, in the order of time. */
  const meanNear = (one: TimedBlock, which: number): number | null => {
    const phase = phases[which] ?? [];
    const before = firstAfter(phase, one.at - nearMs);
    const end = firstAfter(phase, one.at + nearMs + 1);
    const isOwn = phase[firstAfter(phase, one.at)] === one;
    const count = end - before - (isOwn ? 1 : 0);
    const sum = (sums[which]?.[end] ?? 0) - (sums[which]?.[before] ?? 0) - (isOwn ? one.logMean : 0);
    return count === 0 ? null : sum / count;
  };
  return phases.map((phase) =>
    phase.flatMap((one) => {
      const [off, on] = [meanNear(one, 0), meanNear(one, 1)];
      if (off === null || on === null) return [];
      return [{ ...one, covariates: [...one.covariates, (off + on) / 2] }];
    }),
  );
}

/** The place of the first block that is not before `at`. */
function firstAfter(phase: readonly TimedBlock[], at: number): number {
  let [low, high] = [0, phase.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((phase[middle]?.at ?? at) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The blocks of one statement: samples put together until there are calls and time enough. */
function blocksOf(
  samples: readonly TrialSample[],
  before: readonly TrialSample[],
  statement: string,
  controls: readonly string[],
  value: (use: StatementUse) => number,
  { blockMs, blockCalls }: JudgementRules,
): readonly TimedBlock[] {
  const usual = new Map(
    controls.flatMap((id) => {
      const mean = meanOf(totalOf(before, id), 'totalMs');
      return mean === null || mean <= 0 ? [] : [[id, mean] as const];
    }),
  );
  const blocks: TimedBlock[] = [];
  let held: TrialSample[] = [];
  let heldMs = 0;
  for (const sample of samples) {
    held.push(sample);
    heldMs += sample.durationMs;
    const use = totalOf(held, statement);
    if (use.calls < blockCalls || heldMs < blockMs) continue;
    // A rate that is steady but for the last digits explains nothing, and would be divided by.
    const rate = Math.round(Math.log(use.calls / heldMs) * 1e9) / 1e9;
    const covariates = usual.size === 0 ? [rate] : [surroundings(held, usual)];
    const at = sample.at - heldMs / 2;
    blocks.push({ at, calls: use.calls, logMean: Math.log(value(use) / use.calls), covariates });
    held = [];
    heldMs = 0;
  }
  return blocks;
}

/** How much longer than usual the statements took that the change does not touch, as a logarithm; weighted by time. */
function surroundings(samples: readonly TrialSample[], usual: ReadonlyMap<string, number>): number {
  let spent = 0;
  let expected = 0;
  for (const [id, mean] of usual) {
    const { calls, totalMs } = totalOf(samples, id);
    spent += totalMs;
    expected += calls * mean;
  }
  return spent > 0 && expected > 0 ? Math.log(spent / expected) : 0;
}

function totalOf(samples: readonly TrialSample[], statement: string): StatementUse {
  let [calls, totalMs, buffers] = [0, 0, 0];
  for (const { statements } of samples) {
    const use = statements[statement];
    if (use === undefined) continue;
    calls += use.calls;
    totalMs += use.totalMs;
    buffers += use.buffers;
  }
  return { calls, totalMs, buffers };
}

function meanOf(use: StatementUse | undefined, what: 'totalMs' | 'buffers'): number | null {
  return use === undefined || use.calls === 0 ? null : use[what] / use.calls;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

function percentChange(effect: number): string {
  return effect > 1 ? `${percent(effect - 1)} more` : `${percent(1 - effect)} less`;
}

function intervalText([low, high]: readonly [number | null, number | null]): string {
  return `${low === null ? 'open' : percent(low - 1)} to ${high === null ? 'open' : percent(high - 1)}`;
}
