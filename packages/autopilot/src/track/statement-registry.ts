import { hash } from 'node:crypto';
import { OVERFLOW_KEY, type StatementText } from '../contract/series.ts';
import { longestList, MAX_STATEMENT_LENGTH, normalizeStatement } from '../kernel/statement-text.ts';

/** A statement with its literals replaced; one object a statement and database. */
export interface Statement extends StatementText {
  /** Names it among the statements of all databases. */
  readonly seriesId: string;
}

/** How much a {@link StatementRegistry} keeps. */
export interface StatementLimits {
  /** Different statements of all databases together. */
  readonly statements: number;
  /** Characters of their texts together. */
  readonly textLength: number;
  /** Characters of the application's own texts, by which statements are found again. */
  readonly rawLength: number;
}

const DEFAULT_LIMITS: StatementLimits = { statements: 5_000, textLength: 4_000_000, rawLength: 4_000_000 };

/** What an entry costs beside its text, in characters: an application of many tiny texts is bounded too. */
const ENTRY_LENGTH = 64;
/** When full, statements that were not used for this long make room; looked at no more often than SWEEP_EVERY_MS. */
const IDLE_MS = 10 * 60_000;
const SWEEP_EVERY_MS = 60_000;

/** From so many values on a list is told: each length is a text of its own for server and driver. */
const LONG_LIST = 500;

/** The text of a call without one. */
const EMPTY = '(empty)';

interface Known {
  readonly statement: Statement;
  usedAtMs: number;
}

/** What is known of one database. */
interface DatabaseStatements {
  readonly overflow: Statement;
  readonly byText: Map<string, Known>;
  readonly byId: Map<string, Known>;
  /** By the application's own text: the younger generation, and the one before it, which goes when the younger is full. */
  young: Map<string, Known>;
  old: Map<string, Known>;
}

/**
 * Turns the texts that an application sends into {@link Statement}s, in bounded memory. A text seen before costs two
 * look-ups; a new one is read by the lexer. When full, what is new becomes the statement OVERFLOW_KEY of its database.
 */
export class StatementRegistry {
  #limits: StatementLimits;
  /** Bounded by the pools that an application instruments. */
  readonly #databases = new Map<string, DatabaseStatements>();
  #size = 0;
  #textLength = 0;
  #youngLength = 0;
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  readonly #onLongList: ((database: string, id: string, values: number) => void) | null;

  /** `onLongList` is told of statements with long lists of values, once for each text while it is remembered. */
  constructor(
    limits: Partial<StatementLimits> = {},
    onLongList: ((database: string, id: string, values: number) => void) | null = null,
  ) {
    this.#onLongList = onLongList;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** Different statements known now. */
  get size(): number {
    return this.#size;
  }

  /** From now on: over lower ones nothing new is taken until what is unused has made room. */
  setLimits(limits: StatementLimits): void {
    this.#limits = limits;
  }

  /** The statement of a text as sent to `database`; `atMs` is now, on the monotonic clock. Never throws. */
  find(database: string, raw: string, atMs: number): Statement {
    const statements = this.#databases.get(database) ?? this.#open(database);
    const young = statements.young.get(raw);
    if (young !== undefined) {
      young.usedAtMs = atMs;
      return young.statement;
    }
    const known =
      statements.old.get(raw) ?? this.#resolve(database, statements, normalizeStatement(raw) || EMPTY, atMs);
    if (known === null) return statements.overflow;
    known.usedAtMs = atMs;
    const values = this.#onLongList === null ? 0 : longestList(raw);
    if (values >= LONG_LIST) this.#onLongList?.(database, known.statement.id, values);
    this.#remember(statements, raw, known);
    return known.statement;
  }

  /** The text behind a series of the family `statement`; null for one that has made room. */
  textOf(database: string, id: string): StatementText | null {
    const statement = this.#databases.get(database)?.byId.get(id)?.statement;
    return statement === undefined ? null : { id: statement.id, database, text: statement.text };
  }

  #open(database: string): DatabaseStatements {
    const statements: DatabaseStatements = {
      overflow: { id: OVERFLOW_KEY, database, text: OVERFLOW_KEY, seriesId: seriesIdOf(database, OVERFLOW_KEY) },
      byText: new Map(),
      byId: new Map(),
      young: new Map(),
      old: new Map(),
    };
    this.#databases.set(database, statements);
    return statements;
  }

  #resolve(database: string, statements: DatabaseStatements, sliced: string, atMs: number): Known | null {
    const existing = statements.byText.get(sliced);
    if (existing !== undefined) return existing;
    if (this.#isFull(sliced)) {
      this.#sweep(atMs);
      if (this.#isFull(sliced)) return null;
    }
    // A slice would keep the whole text it was cut from.
    const text = Buffer.from(sliced).toString();
    const id = hash('sha256', text, 'hex').slice(0, 16);
    const known = { statement: { id, database, text, seriesId: seriesIdOf(database, id) }, usedAtMs: atMs };
    statements.byText.set(text, known);
    statements.byId.set(id, known);
    this.#size++;
    this.#textLength += text.length + ENTRY_LENGTH;
    return known;
  }

  #isFull(text: string): boolean {
    return (
      this.#size >= this.#limits.statements || this.#textLength + text.length + ENTRY_LENGTH > this.#limits.textLength
    );
  }

  #sweep(atMs: number): void {
    if (atMs - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = atMs;
    for (const statements of this.#databases.values()) {
      for (const [text, { statement, usedAtMs }] of statements.byText) {
        if (atMs - usedAtMs < IDLE_MS) continue;
        statements.byText.delete(text);
        statements.byId.delete(statement.id);
        this.#size--;
        this.#textLength -= text.length + ENTRY_LENGTH;
      }
      // Raw texts may lead to statements that are gone.
      statements.young = new Map();
      statements.old = new Map();
    }
    this.#youngLength = 0;
  }

  /** Each generation may hold half of the limit. */
  #remember(statements: DatabaseStatements, raw: string, known: Known): void {
    if (raw.length > MAX_STATEMENT_LENGTH) return;
    const length = raw.length + ENTRY_LENGTH;
    if (this.#youngLength + length > this.#limits.rawLength / 2) {
      for (const other of this.#databases.values()) {
        other.old = other.young;
        other.young = new Map();
      }
      this.#youngLength = 0;
    }
    this.#youngLength += length;
    statements.young.set(raw, known);
  }
}

function seriesIdOf(database: string, id: string): string {
  return `${database}\n${id}`;
}
