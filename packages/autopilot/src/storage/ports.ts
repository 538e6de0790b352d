import type { AuditEntry } from '../contract/access.ts';
import type {
  ConfigCause,
  ConfigContent,
  ConfigPreset,
  ConfigVersion,
  ConfigVersionHead,
} from '../contract/configuration.ts';
import type { TimeSpan } from '../contract/frame.ts';
import type { Scope } from '../contract/principal.ts';
import type { Family, Origin, SeriesWindow, StatementText, Window } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';

/** Which series of a family are read. */
export type SeriesSelection =
  /** The family as a whole: one series a database, made of all keys. Counters and histograms add up, gauges too (a level of all). */
  { readonly kind: 'total' } | { readonly kind: 'each' } | { readonly kind: 'keys'; readonly keys: readonly string[] };

/** Which facts to read. */
export interface SeriesQuery {
  readonly service: string;
  /** Absent: all instances. */
  readonly instance?: string;
  /** Absent: all releases. */
  readonly release?: string;
  /**
   * Instances may come merged, where that is stored: as one origin whose instance and release are ''. Absent: each by
   * itself.
   */
  readonly mergeInstances?: boolean;
  readonly family: Family;
  readonly select: SeriesSelection;
  /** Absent: all. Families that are about no database ignore it. */
  readonly database?: string;
  /** The range is [from, to): windows that overlap it are read. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /**
   * Windows up to this long are welcome: fewer and longer ones are cheaper to read. They are finer where nothing else
   * covers the edges of the range, and longer where nothing finer is kept.
   */
  readonly resolutionMs: number;
  /** Cells to read; absent: all of the family. */
  readonly fields?: readonly string[];
  /** Histograms among them of which the sum is enough: a store may give the sum, a number, in their place. */
  readonly sumsOf?: readonly string[];
}

/**
 * One window of one instance, cut to what was asked for. Without series it still says that the instance reported:
 * nothing happened, which is not the same as nothing known.
 */
export interface Slice {
  readonly origin: Origin;
  readonly start: EpochMs;
  readonly durationMs: number;
  readonly series: readonly SeriesWindow[];
  readonly overflow: Window['overflow'];
}

/** What became of windows that were handed in. */
export interface Appended {
  readonly taken: number;
  /** Taken before, by origin, start and length. */
  readonly duplicates: number;
  /** Outside of what is kept: older, over a minute ahead, or of an impossible length. */
  readonly refused: number;
  /** Series and cells that could not be read; the rest of their window was taken. */
  readonly invalid: number;
  /** Why windows were refused, as sentences, where the store can tell. */
  readonly reasons?: readonly string[];
}

/** What a compaction did. */
export interface Compacted {
  /** Windows merged into longer ones. */
  readonly merged: number;
  /** Windows dropped because they were too old. */
  readonly expired: number;
}

/** What is kept of a service. */
export interface Extent {
  /** Finest first; `from`: what began before is not kept at this resolution. */
  readonly levels: readonly { readonly resolutionMs: number; readonly from: EpochMs }[];
  /** Where the newest window ends; null when there is none. */
  readonly newestEnd: EpochMs | null;
  /** Windows dropped before their time to stay within a bound. */
  readonly droppedWindows: number;
  /** Why what is older can't be had just now, as a sentence; absent: it can, or is not kept. */
  readonly trouble?: string;
  /** Time of which not everything can be had yet, though it will be: another control plane took it. Absent: none. */
  readonly unsettled?: readonly TimeSpan[];
}

/** Names a statement of a service. */
export type StatementName = Pick<StatementText, 'database' | 'id'>;

/** Keeps windows and gives them back; every implementation passes test/contract/metric-store.test.ts. */
export interface MetricStore {
  /** Idempotent by origin, start and length of a window. Order does not matter. */
  append(origin: Origin, windows: readonly Window[]): Promise<Appended>;
  /** In no particular order. What is appended meanwhile may or may not be seen. */
  read(query: SeriesQuery): AsyncIterable<Slice>;
  /** Merges what has become old into longer windows and drops what is too old; call it about once a second. */
  compact(now: EpochMs): Promise<Compacted>;
  extent(service: string, now: EpochMs): Promise<Extent>;
}

/** A control plane that leads, or would. */
export interface Candidate {
  /** Of this process alone, random. */
  readonly holder: string;
  /** The machine's name. */
  readonly host: string;
  /** Where it answers: "http://10.0.0.7:3001". */
  readonly address: string;
}

/** What became of an attempt to lead. `epoch` counts up with each change of the leader. */
export type LeaseAnswer =
  | { readonly held: true; readonly epoch: number }
  | { readonly held: false; readonly epoch: number; readonly leader: Candidate };

/** Decides which control plane of a fleet leads; every method may fail as the store does. */
export interface LeaderLease {
  /** Takes the lead when nobody has it, or keeps it, for `ttlMs` from now by the store's clock. */
  take(candidate: Candidate, ttlMs: number): Promise<LeaseAnswer>;
  /** Gives the lead up, if `holder` has it, so that the next need not wait. */
  resign(holder: string): Promise<void>;
  /** What control planes of the fleet sign with among themselves, newest first; made when there is none. */
  keys(): Promise<readonly string[]>;
  /** For the leader: makes a new key when the newest is older than this, and forgets all but the newest two. */
  rotateKeys(olderThanMs: number): Promise<void>;
}

/** What a version is made of before it has a number. */
export interface ConfigDraft {
  readonly author: string;
  readonly note: string;
  readonly cause: ConfigCause;
  readonly restored: number | null;
  readonly trial: string;
  readonly hash: string;
  readonly content: ConfigContent;
}

/** A version that changed one setting: contents hold that setting alone. */
export interface ConfigStep {
  readonly head: ConfigVersionHead;
  readonly before: ConfigContent;
  readonly after: ConfigContent;
}

/** What a database server says of connections and what each may take. */
export interface ConnectionFacts {
  /** max_connections. */
  readonly max: number;
  /** Of them, kept for superusers. */
  readonly reserved: number;
  /** work_mem: what one sort or hash of a statement may take. */
  readonly workMemBytes: number;
  /** It runs on the machine of whoever asked, as far as addresses tell. */
  readonly isOnThisMachine: boolean;
}

/** Keeps the versions of configurations and a team's presets; every implementation passes test/contract/config-store.test.ts. */
export interface ConfigStore {
  /** False: what is kept ends with this process. */
  readonly durable: boolean;
  /** null: there is none yet. */
  latest(service: string): Promise<ConfigVersion | null>;
  /** The newest version of each service that has one. */
  latestVersions(): Promise<ReadonlyMap<string, number>>;
  /** null: there is none, or it was too old to be kept. */
  read(service: string, version: number): Promise<ConfigVersion | null>;
  /** Newest first, from below `before` on. */
  list(service: string, before: number | null, limit: number): Promise<readonly ConfigVersionHead[]>;
  /** The newest `limit` versions that changed a setting in any layer, newest first; of those kept that follow on a kept one. */
  history(service: string, key: string, limit: number): Promise<readonly ConfigStep[]>;
  /**
   * Makes version `ifVersion` + 1, if `ifVersion` is the newest (0: there is none). Of several at once one is made.
   * @throws AutopilotError AP_CONFIG_STALE_VERSION naming the newest
   */
  append(service: string, ifVersion: number, draft: ConfigDraft): Promise<ConfigVersion>;
  /** The version that an order made; null: it made none. */
  madeBy(service: string, trial: string): Promise<ConfigVersionHead | null>;
  presets(service: string): Promise<readonly ConfigPreset[]>;
  /** @throws AutopilotError AP_CONFIG_PRESETS_FULL */
  putPreset(service: string, preset: ConfigPreset): Promise<void>;
  /** False: there was none of this name. */
  removePreset(service: string, name: string): Promise<boolean>;
  /** What the server bears, for rules about connections; null: not known. */
  connectionLimits(): Promise<ConnectionFacts | null>;
  /** Calls `changed` soon after any process has made a version, or a token, as far as that can be told; poll too. */
  watch(changed: () => void): Disposable;
  close(): Promise<void>;
}

/** Versions kept of each service, beside those that are pinned: what the issue asks for twice over. */
export const CONFIG_VERSIONS_KEPT = 2_000;
/** A team's own presets of one service. */
export const MAX_PRESETS = 100;

/** An order: a change on its way, or the record of one. `state` says how far it got. */
export interface Trial {
  readonly id: string;
  readonly service: string;
  /** Which actuator carries it out. */
  readonly kind: string;
  /** What is changed, for people: "monitoring.maxRoutes". */
  readonly subject: string;
  readonly author: string;
  /** `person`: somebody asked for it; `autopilot`: nobody did. */
  readonly origin: 'person' | 'autopilot';
  readonly state: TrialState;
  /** Why it is in this state. */
  readonly reason: string;
  /** For the actuator: what to do, and how to take it back. Written before anything is done. */
  readonly change: JsonValue;
  readonly undo: JsonValue;
  /** What it touches, of which one open trial at a time is let in; null: it is not watched, and shares with others. */
  readonly scope: string | null;
  /** Of a trial: what it is judged by, what was predicted, what was measured. */
  readonly about: JsonValue;
  readonly at: string;
  readonly updatedAt: string;
}

/** `proposed`: nothing is changed yet, the time before is measured. The last three are ends. */
export type TrialState = 'proposed' | 'applying' | 'watching' | 'reverting' | 'kept' | 'reverted' | 'refused';

/** Something that happened in a trial: a step for people, or a sample from before or after the change. */
export interface TrialNote {
  readonly kind: 'step' | 'before' | 'after';
  readonly at: string;
  readonly detail: JsonValue;
}

/** A recommendation that somebody has declined. */
export interface Dismissal {
  readonly recommendation: string;
  /** What it was made of, each by its own name: a later one of the same parts is declined too. */
  readonly parts: readonly string[];
  /** What it promised then. */
  readonly promised: number;
  readonly author: string;
  readonly reason: string;
  readonly at: string;
}

/** Anything that JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** The journal of orders; every implementation passes test/contract/journal.test.ts. */
export interface Journal {
  /**
   * Writes a trial, or its new state; what was reverted or refused stays so. The samples of one that has ended go, its steps stay.
   * @param from only while it is in this state: whoever was faster is not overwritten
   * @returns false: it was not written, because it has gone on in between
   * @throws AutopilotError AP_TRIAL_SCOPE_TAKEN when another one of its scope is open
   */
  write(trial: Trial, from?: TrialState): Promise<boolean>;
  /** Those that have not ended, oldest first. */
  open(service?: string): Promise<readonly Trial[]>;
  /**
   * The newest `limit`, newest first.
   * @param part `tried`: trials alone, which daily orders do not push out; else the orders of a kind
   */
  history(
    service: string,
    limit: number,
    part?: { readonly tried: true } | { readonly kind: string },
  ): Promise<readonly Trial[]>;
  /** null: there is none. */
  read(id: string): Promise<Trial | null>;
  /** Adds to what happened in a trial. */
  note(trial: string, kind: TrialNote['kind'], detail: JsonValue): Promise<void>;
  /** Oldest first. */
  notes(trial: string, kinds: readonly TrialNote['kind'][]): Promise<readonly TrialNote[]>;
  dismissals(service: string): Promise<readonly Dismissal[]>;
  /** Again: renews it. */
  dismiss(service: string, dismissal: Omit<Dismissal, 'at'>): Promise<void>;
}

/** A token as it is kept: everything but itself. */
export interface StoredToken {
  readonly id: string;
  /** Counts up in the order in which they were made. */
  readonly number: number;
  readonly name: string;
  readonly scope: Scope;
  /** base64url */
  readonly sha256: string;
  readonly createdBy: string;
  readonly createdAt: EpochMs;
  /** null: it does not expire. */
  readonly expiresAt: EpochMs | null;
  readonly lastUsedAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
  readonly revokedBy: string | null;
}

/** What a token is kept as when it is made. */
export type StoredTokenDraft = Pick<StoredToken, 'id' | 'name' | 'scope' | 'sha256' | 'createdBy' | 'expiresAt'>;

/** An entry of the audit log with its place. */
export interface NumberedAuditEntry extends AuditEntry {
  /** Counts up in the order in which they were written. */
  readonly number: number;
}

/** A part of a list that is ordered by number: from the row `edge` on, without it; null: from the newest. */
export interface ListPart {
  readonly edge: number | null;
  /** `older` gives the newest first, `newer` the oldest first. */
  readonly toward: 'older' | 'newer';
  readonly limit: number;
}

/** Keeps tokens and the audit log; every implementation passes test/contract/access-store.test.ts. */
export interface AccessStore {
  /** False: what is kept ends with this process. */
  readonly durable: boolean;
  /** Those that open something: neither revoked nor expired. */
  liveTokens(): Promise<readonly StoredToken[]>;
  tokens(part: ListPart): Promise<readonly StoredToken[]>;
  /** @throws AutopilotError AP_ACCESS_TOKENS_FULL */
  addToken(draft: StoredTokenDraft): Promise<StoredToken>;
  /** Revoked again it stays as it was; null: there is none. */
  revokeToken(id: string, by: string): Promise<StoredToken | null>;
  /** When tokens were last used, by id. An earlier time than the one that is kept changes nothing. */
  noteUses(uses: ReadonlyMap<string, EpochMs>): Promise<void>;
  /** Idempotent by an entry's id. */
  record(entries: readonly AuditEntry[]): Promise<void>;
  audit(
    part: ListPart,
    only: { readonly actor?: string; readonly operation?: string },
  ): Promise<readonly NumberedAuditEntry[]>;
  /** Drops what is older than is kept. */
  prune(): Promise<void>;
  close(): Promise<void>;
}

/** Tokens that can be active at once: every request with a token is compared with all of them. */
export const MAX_LIVE_TOKENS = 500;
/** How long a token that opens nothing any more is shown. */
export const ENDED_TOKENS_KEPT_DAYS = 90;
export const AUDIT_KEPT_DAYS = 400;
export const AUDIT_KEPT_ENTRIES = 200_000;

/** A load test, or a benchmark, as it is kept; `report` is read by itself. */
export interface KeptLoadTest {
  /** Counts up; the newest has the greatest. */
  readonly number: number;
  readonly id: string;
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly target: string;
  /** running, passed, missed, invalid, stopped, aborted or failed. */
  readonly state: string;
  readonly reason: string | null;
  readonly author: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly summary: JsonValue;
}

/** A load test before it runs. */
export type LoadTestDraft = Pick<KeptLoadTest, 'id' | 'service' | 'name' | 'kind' | 'target' | 'author'>;

/** Benchmarks load their target too, so they are kept with the load tests, and listed by themselves. */
export interface LoadTestGroup {
  readonly service: string;
  readonly isBenchmark: boolean;
}

/** The kind of a {@link KeptLoadTest} that is a benchmark. */
export const BENCHMARK_KIND = 'benchmark';

/** How a load test ended. */
export interface LoadTestEnd extends Pick<KeptLoadTest, 'state' | 'reason' | 'summary'> {
  readonly report: JsonValue;
}

/** Keeps load tests, and sees to it that a target has one at a time; every implementation passes test/contract/load-test-store.test.ts. */
export interface LoadTestStore {
  /** Enters a test as running, for as long as it is renewed. Answers the one that runs against its target already, if one does. */
  begin(draft: LoadTestDraft, aliveMs: number): Promise<{ readonly begun: boolean; readonly test: KeptLoadTest }>;
  /** Keeps a running test alive; `gone`: it counts as dead, or was ended elsewhere; `stop`: somebody asked for that. */
  renew(id: string, aliveMs: number): Promise<'go-on' | 'stop' | 'gone'>;
  /** Asks whoever runs it to stop it. */
  stop(id: string): Promise<void>;
  /** Keeps what came of a running test; false: it had ended already. */
  end(id: string, end: LoadTestEnd): Promise<boolean>;
  list(of: LoadTestGroup, part: ListPart): Promise<readonly KeptLoadTest[]>;
  /** Those of any service that run and are alive. */
  running(): Promise<readonly KeptLoadTest[]>;
  /** null: there is none. */
  read(id: string): Promise<{ readonly test: KeptLoadTest; readonly report: JsonValue } | null>;
  /** Ends those that nobody keeps alive, and drops all of a group but the newest `kept`. */
  tidy(of: LoadTestGroup, kept: number): Promise<void>;
  close(): Promise<void>;
}

/** Of a test whose owner was not heard of any more. */
export const LOAD_TEST_ORPHANED = 'The control plane that ran it is gone, and the test with it.';
