import { AutopilotError } from '../kernel/errors.ts';
import { quoted } from '../planner/shadow-ddl.ts';
import { ApplySession } from '../postgres/apply-session.ts';
import type { JsonValue, Trial } from '../storage/ports.ts';
import type { Actuator, Change } from './orders.ts';

/** An index by its name, with the statement that makes it. */
export interface IndexDefinition {
  readonly schema: string;
  readonly name: string;
  /** CREATE INDEX ..., which builds beside reads and writes. */
  readonly ddl: string;
  /** Of one that is dropped because nothing uses it: its scans until the order was made; one more speaks against it. */
  readonly scans?: number;
}

/** Indexes that come and go together. */
export interface IndexChange extends Change {
  readonly kind: 'indexes';
  readonly database: string;
  readonly create: readonly IndexDefinition[];
  readonly drop: readonly IndexDefinition[];
}

type Plan = Pick<IndexChange, 'database' | 'create' | 'drop'>;

/**
 * Builds and drops indexes beside the traffic. An interrupted build leaves an index that no query uses and every write keeps
 * up: whatever is found half done is brought back to what was there before, and only what this order named is touched.
 */
export class IndexActuator implements Actuator<IndexChange, void> {
  readonly kind = 'indexes';
  readonly #urlOf: (database: string) => string;

  /** @param urlOf the address with the right to change a watched database. @throws AutopilotError when it is not known */
  constructor(urlOf: (database: string) => string) {
    this.#urlOf = urlOf;
  }

  describe({ database, create, drop }: IndexChange): JsonValue {
    return planJson({ database, create, drop });
  }

  /** @throws AutopilotError AP_ORDER_REFUSED where the world is not what the change was made for */
  async plan({ database, create, drop }: IndexChange): Promise<JsonValue> {
    await using session = await this.#session(database, 'plan');
    for (const one of create) {
      if ((await stateOf(session, one)) !== 'absent') throw refused(`${one.name} exists already.`);
    }
    const undo: IndexDefinition[] = [];
    for (const one of drop) {
      const ddl = await definitionOf(session, one);
      if (ddl === null)
        throw refused(
          `${one.name} is no index that could be dropped: it is gone, keeps values unique, serves a constraint, is a part of another, or lies in a tablespace of its own.`,
        );
      const { schema, name, scans } = one;
      const used = scans === undefined ? 0 : (await scansOf(session, one)) - scans;
      if (used > 0) throw refused(`${one.name} was thought to be unused, and has been scanned ${used} times since.`);
      undo.push({ schema, name, ddl });
    }
    return planJson({ database, create: undo, drop: create });
  }

  async apply({ database, create, drop }: IndexChange, id: string): Promise<void> {
    await using session = await this.#session(database, id);
    // What fails in the middle is taken back by heal(), which is asked after every failure.
    await carryOut(session, create, drop);
  }

  async undo(undo: JsonValue, { id }: Trial): Promise<void> {
    const { database, create, drop } = undo as unknown as Plan; // plan() wrote it
    await using session = await this.#session(database, id);
    await session.endOthers(id);
    await carryOut(session, create, drop);
  }

  /** A build that may take hours. */
  async cancel({ id, change }: Trial): Promise<void> {
    const { database } = change as unknown as Plan; // describe() wrote it
    await using session = await this.#session(database, 'cancel');
    await session.cancelOthers(id);
  }

  /** What was begun and not finished is undone. */
  async heal(trial: Trial): Promise<'applied' | 'absent'> {
    const { database, create, drop } = trial.change as unknown as Plan; // describe() wrote it
    await using session = await this.#session(database, trial.id);
    await session.endOthers(trial.id);
    const made = await Promise.all(create.map((one) => stateOf(session, one)));
    const gone = await Promise.all(drop.map((one) => stateOf(session, one)));
    if (made.every((state) => state === 'valid') && gone.every((state) => state === 'absent')) return 'applied';
    const undo = trial.undo as unknown as Plan; // plan() wrote it
    await carryOut(session, undo.create, undo.drop);
    return 'absent';
  }

  async #session(database: string, id: string): Promise<ApplySession> {
    return await ApplySession.open(this.#urlOf(database), id);
  }
}

/** May be repeated: what is there already is left alone, what is there and broken is made anew. */
async function carryOut(
  session: ApplySession,
  create: readonly IndexDefinition[],
  drop: readonly IndexDefinition[],
): Promise<void> {
  for (const one of create) {
    const remove = (): Promise<void> => dropIndex(session, one);
    const state = await stateOf(session, one);
    if (state === 'valid') continue;
    if (state === 'foreign') throw refused(`${one.name} is another index by now.`);
    if (state === 'invalid') await remove();
    try {
      await session.change(one.ddl, remove);
    } catch (error) {
      if ((await stateOf(session, one)) === 'invalid') await remove();
      throw error;
    }
  }
  for (const one of drop) await dropIndex(session, one);
}

/** What somebody else has put under that name is left alone: ours is gone then. */
async function dropIndex(session: ApplySession, one: IndexDefinition): Promise<void> {
  if ((await stateOf(session, one)) === 'foreign') return;
  const { schema, name } = one;
  await session.change(`DROP INDEX CONCURRENTLY IF EXISTS ${quoted(schema)}.${quoted(name)}`);
}

/** `foreign`: something of that name is there that the definition does not make, so that it is not ours to touch. */
async function stateOf(
  session: ApplySession,
  { schema, name, ddl }: IndexDefinition,
): Promise<'absent' | 'valid' | 'invalid' | 'foreign'> {
  const { table, columns } = targetOf(ddl);
  const [row] = await session.rows<{ valid: boolean; same: boolean }>(
    `SELECT coalesce(i.indisvalid AND i.indisready AND i.indislive, false) AS valid,
       coalesce(i.indrelid = to_regclass($3) AND NOT i.indisunique
         AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
         AND ($4::text[] IS NULL OR $4 = ARRAY(
           SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key(number, place)
           LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
           WHERE key.place <= i.indnkeyatts ORDER BY key.place)), false) AS same
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
     WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, name, table, columns],
  );
  if (row === undefined) return 'absent';
  return row.same ? (row.valid ? 'valid' : 'invalid') : 'foreign';
}

const IDENTIFIER = '(?:"(?:[^"]|"")+"|[\\p{L}_][\\p{L}\\d_$]*)';
const TARGET = new RegExp(
  `^CREATE INDEX (?:CONCURRENTLY )?${IDENTIFIER} ON (?:ONLY )?(${IDENTIFIER}(?:\\.${IDENTIFIER})?) (?:USING \\w+ )?\\((.*)$`,
  'su',
);
const KEYS = new RegExp(`^(${IDENTIFIER}(?: (?:ASC|DESC))?(?: NULLS (?:FIRST|LAST))?(?:, |(?=\\))))+`, 'u');

/** The table that a definition names, and its key columns; null where one of them is an expression or has an operator class. */
function targetOf(ddl: string): { readonly table: string | null; readonly columns: readonly string[] | null } {
  const [, table, rest = ''] = TARGET.exec(ddl) ?? [];
  const keys = KEYS.exec(rest)?.[0];
  if (table === undefined || keys === undefined || rest[keys.length] !== ')')
    return { table: table ?? null, columns: null };
  const columns = [...keys.matchAll(new RegExp(`(${IDENTIFIER})[^,]*(?:, |$)`, 'gu'))].map(([, column = '']) =>
    column.startsWith('"') ? column.slice(1, -1).replaceAll('""', '"') : column.toLowerCase(),
  );
  return { table, columns };
}

/** The statement that makes an index again; null for one that is none, or keeps a promise (unique, a constraint's). */
async function definitionOf(session: ApplySession, { schema, name }: IndexDefinition): Promise<string | null> {
  const [row] = await session.rows<{ definition: string }>(
    `SELECT pg_get_indexdef(i.indexrelid) AS definition FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid
     WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'i' AND NOT c.relispartition AND NOT i.indisunique
       AND c.reltablespace = 0 -- which its definition does not say
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)`,
    [schema, name],
  );
  return row?.definition.replace(/^CREATE INDEX /, 'CREATE INDEX CONCURRENTLY ') ?? null;
}

async function scansOf(session: ApplySession, { schema, name }: IndexDefinition): Promise<number> {
  const [row] = await session.rows<{ scans: number }>(
    'SELECT idx_scan::float8 AS scans FROM pg_stat_all_indexes WHERE schemaname = $1 AND indexrelname = $2',
    [schema, name],
  );
  return row?.scans ?? 0;
}

function refused(reason: string): AutopilotError {
  return new AutopilotError('AP_ORDER_REFUSED', `Nothing was changed: ${reason}`, {
    remedy: 'The database has changed since it was advised on; ask for recommendations again.',
  });
}

function planJson({ database, create, drop }: Plan): JsonValue {
  const plain = (all: readonly IndexDefinition[]): JsonValue =>
    all.map(({ schema, name, ddl, scans }) => ({ schema, name, ddl, ...(scans === undefined ? {} : { scans }) }));
  return { database, create: plain(create), drop: plain(drop) };
}
