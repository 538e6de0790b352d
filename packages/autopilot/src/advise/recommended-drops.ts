import type { DatabaseIndex } from '../contract/database.ts';
import { durationText, quoted, sizeText } from './finding.ts';
import { nameOf } from './index-findings.ts';
import type { WhatIfAnswer } from './what-if.ts';
import {
  AFFECTED,
  controlsAmong,
  idOf,
  leave,
  matched,
  percent,
  type StatementsSeen,
  WHAT_IF,
  type WorkedOut,
} from './worked-out.ts';

/** An index that may be superfluous: before it is recommended to drop it, the workload is planned without it. */
export interface DroppableIndex {
  readonly index: DatabaseIndex;
  readonly because: string;
  /** Nothing uses it; else another one does what it does. */
  readonly isUnused: boolean;
}

/** Planned without, the largest first. */
const MOST = 10;
/** More of the cost than this is missing it. */
const LEAST_DEARER = 0.001;

/**
 * Indexes that nothing has used for `unusedMs`, and those of which another one does the work: the same keys, or keys that begin with
 * theirs. Never one that keeps values unique or that a constraint needs.
 */
export function droppableIndexes(
  indexes: readonly DatabaseIndex[],
  unusedMs: number,
): { readonly droppable: readonly DroppableIndex[]; readonly declined: readonly string[] } {
  const droppable: DroppableIndex[] = [];
  const declined: string[] = [];
  for (const index of indexes.toSorted((a, b) => b.bytes - a.bytes)) {
    const finding = index.findings.find(({ kind }) => /^(?:unused|duplicate|prefix)-index$/.test(kind));
    if (finding === undefined || index.schema === 'autopilot') continue;
    const isUnused = finding.kind === 'unused-index';
    const observedMs = Number(finding.evidence['observedMs'] ?? 0);
    if (index.isUnique || index.isPrimary || index.backsConstraint) {
      declined.push(`${nameOf(index)}: it keeps values unique, which is more than finding rows.`);
    } else if (isUnused && observedMs < unusedMs) {
      declined.push(
        `${nameOf(index)}: nothing has used it in ${durationText(observedMs)}, and ${durationText(unusedMs)} are waited for (optimization.unusedMs).`,
      );
    } else if (droppable.length < MOST) {
      droppable.push({ index, because: finding.message, isUnused });
    }
  }
  return { droppable, declined };
}

/** Drops as recommendations, each by itself. `answers`: the workload planned without each. */
export function recommendedDrops(
  database: string,
  droppable: readonly DroppableIndex[],
  answers: readonly WhatIfAnswer[],
  declined: readonly string[],
  seen: StatementsSeen,
): readonly WorkedOut[] {
  if (droppable.length === 0) {
    const reason = 'No index is known to be superfluous.';
    return [leave(database, { ...about, reason, evidence: declined })];
  }
  return droppable.map((one, at) => recommendedDrop(database, one, answers[at], seen));
}

const about = { category: 'indexes', subject: 'Superfluous indexes', means: WHAT_IF } as const;

function recommendedDrop(
  database: string,
  { index, because, isUnused }: DroppableIndex,
  answer: WhatIfAnswer | undefined,
  seen: StatementsSeen,
): WorkedOut {
  const subject = `The index ${nameOf(index)}`;
  if (answer?.kind !== 'known') {
    const reason = `What would be planned without it is not known. ${answer?.reason ?? ''}`;
    return leave(database, { ...about, subject, reason, evidence: [because] });
  }
  const { effects, fidelity } = answer;
  const before = effects.reduce((sum, one) => sum + one.calls * one.costBefore, 0);
  const dearer = effects.filter(({ costBefore, costAfter }) => costAfter > (1 + LEAST_DEARER) * costBefore);
  const lost = dearer.reduce((sum, one) => sum + one.calls * (one.costAfter - one.costBefore), 0);
  if (lost > LEAST_DEARER * before) {
    const reason = `${dearer.length} statement${dearer.length === 1 ? '' : 's'} would be planned without it at ${percent(1 + lost / before)} of the cost of all that touch its table.`;
    return leave(database, { ...about, subject, reason, evidence: [because, fidelity] });
  }
  const { rows, ids } = matched(effects, seen);
  const ddl = index.definition.replace(/^CREATE INDEX /, 'CREATE INDEX CONCURRENTLY ');
  const drop = [{ schema: index.schema, name: index.index, ddl, ...(isUnused ? { scans: index.scans } : {}) }] as const;
  const name = quoted(index.schema, index.index);
  const isMeasurable = Object.keys(ids).length > 0;
  return {
    recommendation: {
      id: idOf([database, 'drop', ddl]),
      category: 'indexes',
      database,
      verdict: 'change',
      subject: `${subject} goes`,
      change: [`DROP INDEX CONCURRENTLY ${name};`],
      undo: [`${ddl};`],
      reason: because,
      evidence: [
        fidelity,
        effects.length === 0
          ? 'No statement of the workload touches its table.'
          : `Of ${effects.length} statements that touch its table none is planned dearer without it.`,
        `Frees ${sizeText(index.bytes)}; each write to ${index.schema}.${index.table} has an index less to keep up.`,
        ...(isUnused ? ['Until it is dropped its scans are watched: one is enough to leave it.'] : []),
      ],
      statements: rows.slice(0, AFFECTED).map(({ row }) => row),
      bytes: null,
      risk: isUnused ? 'medium' : 'low',
      effort: 'none: it is dropped beside reads and writes, and built again the same way where it is missed',
      automatic: isMeasurable,
      obstacle: isMeasurable
        ? null
        : 'The server counts no statement that touches its table (pg_stat_statements), so nobody could measure whether it is missed.',
      means: WHAT_IF,
    },
    parts: [`drop ${ddl}`],
    effect: 1,
    msPerHour: rows.reduce((sum, { row }) => sum + (row.msPerHour ?? 0), 0),
    affected: Object.fromEntries(Object.entries(ids).slice(0, AFFECTED)),
    controls: controlsAmong(seen.statements, new Set(Object.keys(ids))),
    aim: 'no harm',
    change: { kind: 'indexes', create: [], drop },
    tables: [quoted(index.schema, index.table)],
  };
}
