import type { CodePlace } from '../contract/code-place.ts';
import type {
  ConnectionsView,
  DatabaseFinding,
  DatabaseSequence,
  DatabaseServer,
  VacuumBlocker,
  WraparoundState,
} from '../contract/database.ts';
import type { ForeignKey, UnvalidatedConstraint } from '../postgres/read-indexes.ts';
import type { SettingsReading } from '../postgres/read-settings.ts';
import { countText, durationText, percentText, quoted, sizeText } from './finding.ts';

const MIN_ROWS = 10_000;
const IDLE_IN_TRANSACTION_MS = 60_000;
const LONG_TRANSACTION_MS = 15 * 60_000;
const LONG_WAIT_MS = 5_000;
const CONNECTIONS_RATIO = 0.8;
const SEQUENCE_WARNING = 0.7;
const SEQUENCE_CRITICAL = 0.9;
/** Half of the way to where the server refuses writes. */
const WRAPAROUND_RATIO = 0.5;
/** Younger ones hold back nothing that matters. */
export const BLOCKER_MIN_AGE = 100_000;
/** A process that leaks is restarted sooner or later; nothing of it is told for ever. */
const LEAK_TOLD_MS = 60 * 60_000;
const MIN_TRANSACTIONS = 10_000;
const ROLLBACK_RATIO = 0.2;
const MIN_DEADLOCKS = 5;
const DAY_MS = 86_400_000;
const SLOT_BYTES = 1_000_000_000;

/** Foreign keys that deletes from the other table pay for; where nothing is ever deleted, nobody pays. */
export function foreignKeyFindings(keys: readonly ForeignKey[]): readonly DatabaseFinding[] {
  return keys
    .filter(
      ({ rows, referencedDeletes }) =>
        (rows >= MIN_ROWS && referencedDeletes > 0) || (rows >= 1000 && referencedDeletes >= 100),
    )
    .map(({ schema, table, constraint, columns, rows, referenced, referencedDeletes }) => ({
      kind: 'foreign-key-without-index',
      severity: 'warning' as const,
      subject: `${schema}.${table}`,
      message: `Its foreign key ${constraint} (${columns.join(', ')}) begins no index: each delete from ${referenced} (${countText(referencedDeletes)} so far), and each join from it, reads all ${countText(rows)} rows.`,
      remedy: 'Index the columns, unless nothing is ever deleted from, or joined with, the other table.',
      sql: `CREATE INDEX CONCURRENTLY ON ${quoted(schema, table)} (${columns.map((column) => quoted(column)).join(', ')});`,
      evidence: { rows, referencedDeletes },
    }));
}

/** Constraints that nobody may rely on. */
export function constraintFindings(constraints: readonly UnvalidatedConstraint[]): readonly DatabaseFinding[] {
  return constraints.map(({ schema, table, constraint, definition }) => ({
    kind: 'unvalidated-constraint',
    severity: 'info' as const,
    subject: `${schema}.${table}`,
    message: `Its constraint ${constraint} was never validated: rows from before it may break it, and the planner does not rely on it.`,
    remedy: 'Validate it: that reads the table, and keeps nobody from writing.',
    sql: `ALTER TABLE ${quoted(schema, table)} VALIDATE CONSTRAINT ${quoted(constraint)};`,
    evidence: { definition },
  }));
}

/** Work that is thrown away: transactions that are rolled back, and those that deadlocks end. */
export function transactionFindings(server: DatabaseServer, countedMs: number): readonly DatabaseFinding[] {
  const { database, commits, rollbacks, deadlocks } = server;
  const findings: DatabaseFinding[] = [];
  const all = commits + rollbacks;
  if (all >= MIN_TRANSACTIONS && rollbacks >= all * ROLLBACK_RATIO) {
    findings.push({
      kind: 'many-rollbacks',
      severity: 'info',
      subject: `database ${database}`,
      message: `${percentText(rollbacks / all)} of ${countText(all)} transactions were rolled back: what they did was done for nothing.`,
      remedy:
        'See which errors the application gets; ask with INSERT ... ON CONFLICT in place of failing and trying again.',
      sql: null,
      evidence: { commits, rollbacks },
    });
  }
  const days = Math.max(1, countedMs / DAY_MS);
  if (deadlocks >= MIN_DEADLOCKS && deadlocks / days >= MIN_DEADLOCKS) {
    findings.push({
      kind: 'deadlocks',
      severity: 'warning',
      subject: `database ${database}`,
      message: `${countText(deadlocks)} deadlocks, ${countText(deadlocks / days)} a day: each ended a transaction after a second of waiting.`,
      remedy:
        'Lock rows in one order everywhere (ORDER BY the key in SELECT ... FOR UPDATE); the server log names both statements.',
      sql: null,
      evidence: { deadlocks, days },
    });
  }
  return findings;
}

/** Sequences that run out. */
export function sequenceFindings(sequences: readonly DatabaseSequence[]): readonly DatabaseFinding[] {
  return sequences
    .filter(({ usedRatio }) => usedRatio >= SEQUENCE_WARNING)
    .map(({ schema, sequence, column, lastValue, maxValue, usedRatio }) => ({
      kind: 'sequence-exhaustion',
      severity: usedRatio >= SEQUENCE_CRITICAL ? ('critical' as const) : ('warning' as const),
      subject: `${schema}.${sequence}`,
      message: `${percentText(usedRatio)} of its numbers are used (${countText(lastValue)} of ${countText(maxValue)})${column === null ? '' : `; then nothing more can be inserted into ${column}`}.`,
      remedy: 'Make the column a bigint. On a large table that rewrites it: add a column, fill it in steps, and swap.',
      sql: null,
      evidence: { lastValue, maxValue, usedRatio },
    }));
}

/** What the server's connections are up to. */
export function connectionFindings(view: ConnectionsView): readonly DatabaseFinding[] {
  const findings: DatabaseFinding[] = [];
  for (const { pid, application, role, state, transactionMs, inStateMs, statementMs, blockedBy } of view.backends) {
    const subject = `backend ${pid}`;
    const who = `${application} as ${role}`;
    const stop = `SELECT pg_terminate_backend(${pid});`;
    if (state.startsWith('idle in transaction') && (inStateMs ?? 0) >= IDLE_IN_TRANSACTION_MS) {
      findings.push({
        kind: 'idle-in-transaction',
        severity: 'warning',
        subject,
        message: `${who} has left a transaction open and idle for ${durationText(inStateMs ?? 0)}: it keeps its locks, and holds back vacuum.`,
        remedy:
          'End it, find the code that forgets to commit, and set idle_in_transaction_session_timeout for the role.',
        sql: stop,
        evidence: { idleMs: inStateMs, transactionMs },
      });
    } else if (blockedBy.length > 0 && (inStateMs ?? 0) >= LONG_WAIT_MS) {
      findings.push({
        kind: 'lock-wait',
        severity: 'warning',
        subject,
        message: `${who} has waited ${durationText(statementMs ?? inStateMs ?? 0)} for a lock that ${blockedBy.map((one) => `backend ${one}`).join(', ')} holds.`,
        remedy: 'See what the holder does; end it if it is stuck.',
        sql: `SELECT pg_terminate_backend(${blockedBy[0] ?? pid});`,
        evidence: { waitMs: statementMs ?? inStateMs, blockedBy: blockedBy.join(', ') },
      });
    } else if ((transactionMs ?? 0) >= LONG_TRANSACTION_MS) {
      findings.push({
        kind: 'long-transaction',
        severity: 'warning',
        subject,
        message: `${who} has had a transaction open for ${durationText(transactionMs ?? 0)}: rows that died since can't be vacuumed.`,
        remedy: 'Let long work run in shorter transactions, or on a standby.',
        sql: null,
        evidence: { transactionMs },
      });
    }
  }
  const usable = view.maxConnections - view.reservedConnections;
  if (usable > 0 && view.connections >= usable * CONNECTIONS_RATIO) {
    findings.push({
      kind: 'connections-near-limit',
      severity: view.connections >= usable * 0.95 ? 'critical' : 'warning',
      subject: 'max_connections',
      message: `${view.connections} of ${usable} connections are taken; beyond that applications are refused.`,
      remedy: 'Make pools smaller (most of these are idle as a rule), or put a pooler in between.',
      sql: null,
      evidence: { connections: view.connections, usable, idle: view.idle },
    });
  }
  return findings;
}

/** Connections that the application took and never gave back, by the route that took them. */
export function leakFindings(places: readonly CodePlace[], database: string, now: number): readonly DatabaseFinding[] {
  return places
    .filter((place) => place.kind === 'leak' && place.database === database && now - place.at < LEAK_TOLD_MS)
    .map(({ key, route, frames, count, at }) => {
      const [place, ...behind] = frames;
      const where = place === undefined ? '' : ` at ${place}`;
      const by = behind.length === 0 ? '' : ` (called from ${behind.join(', ')})`;
      return {
        kind: 'connection-leak',
        severity: 'critical' as const,
        subject: `pool ${key}`,
        message: `${route ?? 'The application'} took ${countText(count)} ${count === 1 ? 'connection' : 'connections'}${where}${by} and never gave ${count === 1 ? 'it' : 'them'} back: the request has ended, and the pool is smaller until the process is restarted.`,
        remedy:
          place === undefined
            ? 'Release the client in a finally block; the line is told when the route does it again.'
            : 'Release the client in a finally block.',
        sql: null,
        evidence: { pool: key, route, connections: count, place: place ?? null, lastAt: new Date(at).toISOString() },
      };
    });
}

/** Databases that come near the end of their transaction identifiers. */
export function wraparoundFindings(states: readonly WraparoundState[]): readonly DatabaseFinding[] {
  return states
    .filter(({ usedRatio }) => usedRatio >= WRAPAROUND_RATIO)
    .map(({ database, transactionAge, multixactAge, usedRatio }) => ({
      kind: 'database-wraparound',
      severity: usedRatio >= 0.8 ? ('critical' as const) : ('warning' as const),
      subject: `database ${database}`,
      message: `${percentText(usedRatio)} of its transaction identifiers are used up; at the end the server takes no more writes.`,
      remedy:
        'Find what holds back vacuum (long transactions, slots, prepared transactions), then VACUUM its oldest tables.',
      sql: null,
      evidence: { transactionAge, multixactAge, usedRatio },
    }));
}

/** What holds back vacuum: old snapshots, prepared transactions, slots. */
export function blockerFindings(blockers: readonly VacuumBlocker[], now: number): readonly DatabaseFinding[] {
  return blockers
    .filter(
      ({ kind, age, sinceAt }) =>
        age >= BLOCKER_MIN_AGE ||
        (kind === 'prepared transaction' && sinceAt !== null && now - Date.parse(sinceAt) >= LONG_TRANSACTION_MS),
    )
    .map(({ kind, name, age, sinceAt }) => ({
      kind: kind === 'prepared transaction' ? 'prepared-transaction' : 'vacuum-held-back',
      severity: 'warning' as const,
      subject: `${kind} ${name}`,
      message: `It holds back vacuum by ${countText(age)} transactions${sinceAt === null ? '' : `, since ${sinceAt}`}: rows that died since stay.`,
      remedy: {
        transaction: 'End it, or let it commit more often.',
        'prepared transaction': 'Commit it or roll it back; nobody else will.',
        'replication slot': 'Let its consumer catch up, or drop the slot.',
        standby: 'End the long query on the standby, or switch hot_standby_feedback off there.',
      }[kind],
      sql:
        kind === 'prepared transaction'
          ? `ROLLBACK PREPARED '${name.replaceAll("'", "''")}';`
          : kind === 'replication slot'
            ? `SELECT pg_drop_replication_slot('${name.replaceAll("'", "''")}');`
            : null,
      evidence: { age, sinceAt },
    }));
}

/** Replication slots that nobody reads: the server keeps their WAL until its disk is full. */
export function slotFindings({ inactiveSlots }: SettingsReading): readonly DatabaseFinding[] {
  return inactiveSlots
    .filter(({ retainedBytes }) => retainedBytes !== null && retainedBytes >= SLOT_BYTES)
    .map(({ name, retainedBytes }) => ({
      kind: 'inactive-slot',
      severity: 'critical' as const,
      subject: `replication slot ${name}`,
      message: `Nobody reads it, and ${sizeText(retainedBytes ?? 0)} of WAL are kept for it, until the disk is full.`,
      remedy: 'Start its consumer, or drop it; max_slot_wal_keep_size sets a limit.',
      sql: `SELECT pg_drop_replication_slot('${name.replaceAll("'", "''")}');`,
      evidence: { retainedBytes },
    }));
}

/** How long scans, calls and rows have been counted. */
export function observedMs({ countedSince, startedAt }: DatabaseServer, now: number): number {
  // Before 15 a crash resets the counters without saying so: the start of the server is the safer of the two.
  return now - Math.max(Date.parse(startedAt), countedSince === null ? 0 : Date.parse(countedSince));
}
