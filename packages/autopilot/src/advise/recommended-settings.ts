import type { SettingAdvice, StatementStatistics } from '../contract/database.ts';
import type { StatementEffect } from '../contract/index-advice.ts';
import { countText, sizeText } from './finding.ts';
import type { WhatIfAnswer, WhatIfQuestion } from './what-if.ts';
import {
  AFFECTED,
  controlsAmong,
  idOf,
  isWork,
  leave,
  matched,
  percent,
  type StatementsSeen,
  type WorkedOut,
} from './worked-out.ts';

/** Where a setting would be kept; null: the role may not set it. */
export type SettingPlace = 'system' | 'database' | 'role' | null;

const MEANS =
  "Rules after pgtune and PostgreSQL's manual, each with what was counted on this server; for the planner's settings the workload is planned again on a copy of the statistics.";
/** The planner reads them: the same statements may be planned otherwise. */
const PLANNER = ['random_page_cost', 'effective_cache_size'];
/** What they bring is seen in how evenly writes go, over hours; that they do no harm is seen at once. */
const WRITES = ['max_wal_size', 'checkpoint_completion_target'];
/**
 * ms that a page of 8 KiB costs to be written to a temporary file and read again, through the system's cache: two copies and two
 * calls of the system. Our estimate; the trial measures.
 */
const TEMP_PAGE_MS = 0.01;
/** Not more than this share of a statement's time is promised. */
const MOST_SPILL = 0.6;

/** What has to be planned before a setting of the planner is recommended; null: nothing. */
export function questionOf({ setting, advised, needs }: SettingAdvice): WhatIfQuestion | null {
  return PLANNER.includes(setting) && needs === 'reload' ? { kind: 'with setting', setting, value: advised } : null;
}

/** Settings as recommendations, each by itself; a setting that changes nothing here is left with its reason. */
export function recommendedSettings(
  database: string,
  advice: readonly SettingAdvice[],
  answers: ReadonlyMap<string, WhatIfAnswer>,
  places: ReadonlyMap<string, SettingPlace>,
  seen: StatementsSeen,
): readonly WorkedOut[] {
  const worked = advice.map((one) => recommendedSetting(database, one, answers.get(one.setting), places, seen));
  if (worked.length > 0) return worked;
  const reason = 'Nothing that was counted speaks for another value of a setting that advice is given on.';
  return [leave(database, { category: 'settings', subject: 'Settings of PostgreSQL', reason, means: MEANS })];
}

/** What a change of a setting is about. */
interface About {
  readonly effects: readonly StatementEffect[];
  readonly effect: number;
  readonly aim: 'gain' | 'no harm';
  readonly evidence: readonly string[];
}

function recommendedSetting(
  database: string,
  advice: SettingAdvice,
  answer: WhatIfAnswer | undefined,
  places: ReadonlyMap<string, SettingPlace>,
  seen: StatementsSeen,
): WorkedOut {
  const { setting, advised, current, because, effect: words, needs, severity, sql } = advice;
  const about = aboutOf(advice, answer, seen);
  if (typeof about === 'string') {
    return leave(database, {
      category: 'settings',
      subject: setting,
      reason: about,
      evidence: [because],
      means: MEANS,
    });
  }
  const { rows, ids } = matched(about.effects, seen);
  const place = places.get(setting) ?? null;
  const obstacle = obstacleOf(advice, place, Object.keys(ids).length > 0);
  const touched = new Set(Object.keys(ids));
  const owner = place === 'database' ? 'DATABASE ...' : place === 'role' ? 'ROLE ...' : 'SYSTEM';
  const isReload = needs === 'reload' && owner === 'SYSTEM';
  return {
    recommendation: {
      id: idOf([database, 'setting', setting, advised]),
      category: 'settings',
      database,
      verdict: 'change',
      subject: `${setting} from ${current} to ${advised}`,
      change: owner === 'SYSTEM' ? [sql] : [`ALTER ${owner} SET ${setting} = '${advised}';`],
      undo: [
        `ALTER ${owner} RESET ${setting};${isReload ? ' SELECT pg_reload_conf();' : ''} -- or what was set before`,
      ],
      reason: because,
      evidence: [
        words,
        ...about.evidence,
        ...(place === 'database' || place === 'role'
          ? [`The role may not ALTER SYSTEM, so it is set for the ${place}: only new connections take it.`]
          : []),
      ],
      // What is not planned has no cost to show.
      statements: rows.flatMap(({ row }) => (row.planBefore.length === 0 ? [] : [row])).slice(0, AFFECTED),
      bytes: null,
      risk: severity === 'critical' ? 'high' : 'medium',
      effort: needs === 'restart' ? 'a restart of the server' : 'none: it applies by a reload',
      automatic: obstacle === null,
      obstacle,
      means: MEANS,
    },
    parts: [`${setting} = ${advised}`],
    effect: rows.length === 0 ? null : about.effect,
    msPerHour: rows.reduce((sum, { row }) => sum + (row.msPerHour ?? 0), 0),
    affected: Object.fromEntries(Object.entries(ids).slice(0, AFFECTED)),
    controls: about.aim === 'gain' ? controlsAmong(seen.statements, touched) : [],
    aim: about.aim,
    change:
      place === null
        ? null
        : { kind: 'server-settings', place: { kind: place }, values: [{ name: setting, value: advised }] },
    tables: [],
  };
}

function obstacleOf(
  { needs, severity, setting }: SettingAdvice,
  place: SettingPlace,
  isCounted: boolean,
): string | null {
  if (needs === 'restart') return 'It takes a restart of the server, which somebody has to choose the time of.';
  if (severity === 'critical') return 'It is about safety and not about speed, so that no measurement could judge it.';
  if (place === null) {
    return `The role may not set it: GRANT SET, ALTER SYSTEM ON PARAMETER ${setting}, GRANT pg_read_all_settings and GRANT EXECUTE ON FUNCTION pg_reload_conf() let it (15 and later).`;
  }
  return isCounted ? null : 'The server counts no statement that it is about, so nobody could measure what it does.';
}

/** A text: the reason why it is left as it is. */
function aboutOf(
  { setting, needs, severity }: SettingAdvice,
  answer: WhatIfAnswer | undefined,
  { statements }: StatementsSeen,
): About | string {
  if (needs === 'restart' || severity === 'critical') return { effects: [], effect: 1, aim: 'no harm', evidence: [] };
  if (PLANNER.includes(setting)) return replanned(answer);
  if (setting === 'work_mem') return spilling(statements);
  const busiest = statements
    .filter(({ text }) => isWork(text) && (!WRITES.includes(setting) || !/^\s*SELECT\b/i.test(text)))
    .toSorted((a, b) => b.totalMs - a.totalMs)
    .slice(0, AFFECTED);
  const evidence = ['It is kept unless statements that write become slower.'];
  return { effects: busiest.map((one) => unplanned(one, 1)), effect: 1, aim: 'no harm', evidence };
}

/** Costs under the new value stand for what is true of this machine: of a plan that becomes another one they say what it saves. */
function replanned(answer: WhatIfAnswer | undefined): About | string {
  if (answer?.kind !== 'known') {
    return `Which plans it would change is not known. ${answer?.reason ?? ''}`;
  }
  const effects = answer.effects.filter(({ isReplanned }) => isReplanned);
  if (effects.length === 0) return `None of ${answer.effects.length} statements would be planned otherwise.`;
  const before = effects.reduce((sum, one) => sum + one.calls * one.costBefore, 0);
  const after = effects.reduce((sum, one) => sum + one.calls * Math.min(one.costAfter, one.costBefore), 0);
  return {
    effects,
    effect: after / Math.max(before, 1e-9),
    aim: 'gain',
    evidence: [
      answer.fidelity,
      `${effects.length} of ${answer.effects.length} statements would be planned otherwise, at ${percent(after / Math.max(before, 1e-9))} of the cost.`,
    ],
  };
}

function spilling(statements: readonly StatementStatistics[]): About | string {
  const found = statements
    .filter(({ text, tempBuffersWritten, totalMs }) => isWork(text) && tempBuffersWritten > 0 && totalMs > 0)
    .toSorted((a, b) => b.tempBuffersWritten - a.tempBuffersWritten)
    .slice(0, AFFECTED);
  if (found.length === 0) return 'None of the statements that are counted now has spilled.';
  const shareOf = (one: StatementStatistics): number =>
    Math.min(MOST_SPILL, (one.tempBuffersWritten * TEMP_PAGE_MS) / one.totalMs);
  const total = found.reduce((sum, { totalMs }) => sum + totalMs, 0);
  const saved = found.reduce((sum, one) => sum + one.totalMs * shareOf(one), 0);
  const pages = found.reduce((sum, one) => sum + one.tempBuffersWritten, 0);
  return {
    effects: found.map((one) => unplanned(one, 1 - shareOf(one))),
    effect: 1 - saved / total,
    aim: 'gain',
    evidence: [`${countText(found.length)} statements have written ${sizeText(8192 * pages)} to temporary files.`],
  };
}

/** A statement that is not planned: its time stands for its cost. */
function unplanned({ text, calls, meanMs }: StatementStatistics, kept: number): StatementEffect {
  return { sql: text, calls, costBefore: meanMs, costAfter: meanMs * kept, planBefore: [], planAfter: [] };
}
