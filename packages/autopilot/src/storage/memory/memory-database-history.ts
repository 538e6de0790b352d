import type { IndexAdviceRun } from '../../contract/index-advice.ts';
import { statementCounters } from '../../contract/statement-counters.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import {
  type Counters,
  type DatabaseBatch,
  type DatabaseHistory,
  type DatabaseSample,
  databaseHistoryKeptMs,
  type FoundPlan,
  type StatementIncrease,
  type StatementKey,
  type StatementStanding,
  type StatementStep,
  type StatementStepMs,
  type StoredPlan,
  statementStepsMs,
  type TableHour,
} from '../database-history.ts';

interface Seen {
  readonly standings: Map<string, StatementStanding>;
  /** By length, statement and beginning. */
  readonly steps: Map<string, StatementStep & { readonly stepMs: number }>;
  readonly samples: Map<EpochMs, DatabaseSample>;
  readonly tables: Map<string, TableHour>;
  /** By statement and fingerprint. */
  readonly plans: Map<string, StoredPlan>;
}

/** What is seen of watched databases, as long as this process lives. */
export class MemoryDatabaseHistory implements DatabaseHistory {
  readonly #seen = new Map<string, Seen>();
  readonly #advice = new Map<string, IndexAdviceRun & { readonly endedAt: string }>();

  standings(database: string): Promise<readonly StatementStanding[]> {
    return Promise.resolve([...this.#of(database).standings.values()]);
  }

  append(database: string, { at, standings, increases, sample, tables }: DatabaseBatch): Promise<void> {
    const seen = this.#of(database);
    if (seen.samples.has(at)) return Promise.resolve();
    seen.samples.set(at, { at, values: sample });
    for (const one of standings) {
      const known = seen.standings.get(idOf(one));
      seen.standings.set(idOf(one), { ...one, text: one.text ?? known?.text ?? null });
    }
    for (const stepMs of Object.values(statementStepsMs)) {
      const start = floorTo(at, stepMs);
      for (const one of increases) {
        const id = `${stepMs} ${start} ${idOf(one)}`;
        const known = seen.steps.get(id);
        const counters = known === undefined ? one.counters : sumOf(known.counters, one.counters);
        seen.steps.set(id, { queryId: one.queryId, role: one.role, counters, at: start, stepMs });
      }
    }
    const hour = floorTo(at, statementStepsMs.hour);
    for (const table of tables) {
      const id = `${hour} ${table.relation}`;
      const totalBytes = table.totalBytes ?? seen.tables.get(id)?.totalBytes ?? null;
      seen.tables.set(id, { ...table, totalBytes, at: hour });
    }
    return Promise.resolve();
  }

  async increases(
    database: string,
    stepMs: StatementStepMs,
    from: EpochMs,
    to: EpochMs,
  ): Promise<readonly StatementIncrease[]> {
    const sums = new Map<string, StatementIncrease>();
    for (const { queryId, role, counters } of await this.steps(database, stepMs, from, to, null)) {
      const id = idOf({ queryId, role });
      const known = sums.get(id);
      sums.set(id, { queryId, role, counters: known === undefined ? counters : sumOf(known.counters, counters) });
    }
    return [...sums.values()];
  }

  steps(
    database: string,
    stepMs: StatementStepMs,
    from: EpochMs,
    to: EpochMs,
    queryId: string | null,
  ): Promise<readonly StatementStep[]> {
    const rows = [...this.#of(database).steps.values()].filter(
      (one) => one.stepMs === stepMs && within(one, from, to) && (queryId === null || one.queryId === queryId),
    );
    return Promise.resolve(
      rows.map(({ queryId: id, role, at, counters }) => ({ queryId: id, role, at, counters })).sort(oldestFirst),
    );
  }

  samples(database: string, from: EpochMs, to: EpochMs): Promise<readonly DatabaseSample[]> {
    const rows = [...this.#of(database).samples.values()].filter((one) => within(one, from, to));
    return Promise.resolve(rows.sort(oldestFirst));
  }

  tableHours(database: string, from: EpochMs, to: EpochMs, relation: string | null): Promise<readonly TableHour[]> {
    const rows = [...this.#of(database).tables.values()].filter(
      (one) => within(one, from, to) && (relation === null || one.relation === relation),
    );
    return Promise.resolve(rows.sort(oldestFirst));
  }

  indexAdvice(database: string): Promise<IndexAdviceRun | null> {
    return Promise.resolve(this.#advice.get(database) ?? null);
  }

  keepIndexAdvice(run: IndexAdviceRun & { readonly endedAt: string }): Promise<void> {
    const known = this.#advice.get(run.database);
    if (known === undefined || known.endedAt <= run.endedAt) this.#advice.set(run.database, run);
    return Promise.resolve();
  }

  keepPlan(database: string, at: EpochMs, plan: FoundPlan): Promise<void> {
    const { plans } = this.#of(database);
    const id = `${plan.queryId} ${plan.fingerprint}`;
    const known = plans.get(id);
    const isLatest = [...plans.values()].every(
      (one) => one.queryId !== plan.queryId || one.lastAt <= (known?.lastAt ?? 0),
    );
    const sinceAt = known !== undefined && isLatest ? known.sinceAt : at;
    plans.set(id, { ...plan, firstAt: known?.firstAt ?? at, sinceAt, lastAt: at });
    return Promise.resolve();
  }

  plans(database: string, queryId: string | null): Promise<readonly StoredPlan[]> {
    const rows = [...this.#of(database).plans.values()].filter((one) => queryId === null || one.queryId === queryId);
    const told = queryId === null ? rows.map((one) => ({ ...one, steps: [] })) : rows;
    return Promise.resolve(told.sort((a, b) => b.lastAt - a.lastAt));
  }

  prune(now: EpochMs): Promise<void> {
    const { minutes, hours, samples } = databaseHistoryKeptMs;
    for (const seen of this.#seen.values()) {
      for (const [id, { at, stepMs }] of seen.steps) {
        if (at < now - (stepMs === statementStepsMs.hour ? hours : minutes)) seen.steps.delete(id);
      }
      for (const at of seen.samples.keys()) if (at < now - samples) seen.samples.delete(at);
      for (const [id, { at }] of seen.tables) if (at < now - hours) seen.tables.delete(id);
      for (const [id, { lastAt }] of seen.plans) if (lastAt < now - hours) seen.plans.delete(id);
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #of(database: string): Seen {
    const known = this.#seen.get(database);
    if (known !== undefined) return known;
    const seen: Seen = {
      standings: new Map(),
      steps: new Map(),
      samples: new Map(),
      tables: new Map(),
      plans: new Map(),
    };
    this.#seen.set(database, seen);
    return seen;
  }
}

function idOf({ queryId, role }: StatementKey): string {
  return `${queryId} ${role}`;
}

function floorTo(at: EpochMs, stepMs: number): EpochMs {
  return Math.floor(at / stepMs) * stepMs;
}

function within({ at }: { readonly at: EpochMs }, from: EpochMs, to: EpochMs): boolean {
  return at >= from && at < to;
}

function oldestFirst(a: { readonly at: EpochMs }, b: { readonly at: EpochMs }): number {
  return a.at - b.at;
}

function sumOf(a: Counters, b: Counters): Counters {
  // Every name is written.
  return Object.fromEntries(statementCounters.map((name) => [name, a[name] + b[name]])) as Counters;
}
