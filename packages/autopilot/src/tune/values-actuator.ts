import { AutopilotError } from '../kernel/errors.ts';
import { qualified, quoted } from '../planner/shadow-ddl.ts';
import { ApplySession } from '../postgres/apply-session.ts';
import type { JsonValue, Trial } from '../storage/ports.ts';
import type { Actuator, Change } from './orders.ts';

/** Where a value is kept. `system`: for the whole server, by reload; `database` and `role`: for new connections of it. */
export type ValuesPlace =
  | { readonly kind: 'system' | 'database' | 'role' }
  | { readonly kind: 'table'; readonly schema: string; readonly table: string };

/** A setting of the server, or a storage parameter of a table; null: it is not set there. */
export interface NamedValue {
  readonly name: string;
  readonly value: string | null;
}

/** Values that come and go together, in one place. */
export interface ValuesChange extends Change {
  readonly kind: ValuesKind;
  readonly database: string;
  readonly place: ValuesPlace;
  readonly values: readonly NamedValue[];
}

/** Settings of PostgreSQL, or storage parameters of a table. */
export type ValuesKind = 'server-settings' | 'table-options';

type Plan = Pick<ValuesChange, 'database' | 'place' | 'values'>;

/** What is written in the journal to take values back. */
interface Undo extends Plan {
  /** What the order made of them: what somebody has changed since stays. */
  readonly made: readonly NamedValue[];
}

/** Names are written into statements: nothing else gets there. */
const NAME = /^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?$/;
/** With a connection each they take 10 s, about. */
const RELOAD_POLLS = 300;
/** What stands over postgresql.auto.conf, by pg_settings.source. */
const STRONGER = ['command line', 'environment variable', 'database', 'user', 'database user'];

/**
 * Sets values of the server that apply by a reload (ALTER SYSTEM, else ALTER DATABASE or ALTER ROLE) and storage parameters of
 * tables. What was there before is read first, and given back only where the value is still the one that was made.
 */
export class ValuesActuator implements Actuator<ValuesChange, void> {
  readonly kind: ValuesKind;
  readonly #urlOf: (database: string) => string;

  /** @param urlOf the address with the right to change a watched database. @throws AutopilotError when it is not known */
  constructor(kind: ValuesKind, urlOf: (database: string) => string) {
    this.kind = kind;
    this.#urlOf = urlOf;
  }

  describe({ database, place, values }: ValuesChange): JsonValue {
    return json({ database, place, values });
  }

  /** @throws AutopilotError AP_ORDER_REFUSED where the value would not come into force, or may not be set */
  async plan({ database, place, values }: ValuesChange): Promise<JsonValue> {
    for (const { name } of values)
      if (!NAME.test(name)) throw refused(`${JSON.stringify(name)} is no name of a value.`);
    await using session = await ApplySession.open(this.#urlOf(database), 'plan');
    if (place.kind !== 'table') await checkSettings(session, place.kind, values);
    const undo: Undo = { database, place, values: await valuesOf(session, place, values), made: values };
    return json(undo);
  }

  async apply({ database, place, values }: ValuesChange, id: string): Promise<void> {
    await using session = await ApplySession.open(this.#urlOf(database), id);
    await setValues(session, place, values);
  }

  async undo(undo: JsonValue, { id }: Trial): Promise<void> {
    const { database, place, values, made } = undo as unknown as Undo; // plan() wrote it
    await using session = await ApplySession.open(this.#urlOf(database), id);
    await session.endOthers(id);
    await giveBack(session, place, values, made);
  }

  /** A part of the values, and a file that nobody has read again, are half of a change: it is finished or taken back. */
  async heal(trial: Trial): Promise<'applied' | 'absent'> {
    const { database, place, values } = trial.change as unknown as Plan; // describe() wrote it
    await using session = await ApplySession.open(this.#urlOf(database), trial.id);
    await session.endOthers(trial.id);
    const now = await valuesOf(session, place, values);
    if (values.every(({ value }, at) => now[at]?.value === value)) {
      if (place.kind === 'system') await reload(session, values);
      return 'applied';
    }
    const undo = trial.undo as unknown as Undo; // plan() wrote it
    await giveBack(session, place, undo.values, undo.made);
    return 'absent';
  }
}

async function giveBack(
  session: ApplySession,
  place: ValuesPlace,
  values: readonly NamedValue[],
  made: readonly NamedValue[],
): Promise<void> {
  const now = await valuesOf(session, place, values);
  const ours = values.filter((_, at) => now[at]?.value === made[at]?.value);
  await setValues(session, place, ours);
}

async function setValues(session: ApplySession, place: ValuesPlace, values: readonly NamedValue[]): Promise<void> {
  if (place.kind === 'table') {
    const table = qualified({ schema: place.schema, name: place.table });
    const parts = [
      list('SET', values, ({ name, value }) => (value === null ? null : `${name} = ${literal(value)}`)),
      list('RESET', values, ({ name, value }) => (value === null ? name : null)),
    ].filter((part) => part !== null);
    if (parts.length > 0) await session.change(`ALTER TABLE ${table} ${parts.join(', ')}`);
    return;
  }
  const owner = await ownerOf(session, place.kind);
  for (const { name, value } of values) {
    await session.change(`ALTER ${owner} ${value === null ? `RESET ${name}` : `SET ${name} = ${literal(value)}`}`);
  }
  // Also after nothing was set: a file that was written and not read again is brought into force. Who may not do that has written none.
  if (place.kind === 'system' && (values.length > 0 || (await mayReload(session)))) await reload(session, values);
}

function list(verb: string, values: readonly NamedValue[], of: (one: NamedValue) => string | null): string | null {
  const parts = values.map(of).filter((part) => part !== null);
  return parts.length === 0 ? null : `${verb} (${parts.join(', ')})`;
}

async function ownerOf(session: ApplySession, kind: 'system' | 'database' | 'role'): Promise<string> {
  if (kind === 'system') return 'SYSTEM';
  const [row] = await session.rows<{ name: string }>(
    `SELECT ${kind === 'database' ? 'current_database()' : 'current_user'}::text AS name`,
  );
  return `${kind.toUpperCase()} ${quoted(row?.name ?? '')}`;
}

async function mayReload(session: ApplySession): Promise<boolean> {
  const [row] = await session.rows<{ may: boolean }>(
    `SELECT has_function_privilege('pg_reload_conf()', 'EXECUTE') AS may`,
  );
  return row?.may === true;
}

/**
 * Has the files read again, and waits until the server has, as a new connection begins with what it has read: this one's own time of
 * reading may be that of an earlier request, of a file before it was written.
 */
async function reload(session: ApplySession, values: readonly NamedValue[]): Promise<void> {
  const [asked] = await session.rows<{ at: string }>('SELECT clock_timestamp()::text AS at, pg_reload_conf()');
  for (let poll = 0; ; poll++) {
    await using other = await session.another();
    const [now] = await other.rows<{ loaded: boolean }>('SELECT pg_conf_load_time() > $1::timestamptz AS loaded', [
      asked?.at,
    ]);
    if (now?.loaded === true) {
      const waiting = await other.rows<{ name: string }>(
        'SELECT name FROM pg_settings WHERE name = ANY ($1) AND pending_restart',
        [values.map(({ name }) => name)],
      );
      if (waiting.length > 0) throw refused(`${waiting.map(({ name }) => name).join(', ')} waits for a restart.`);
      return;
    }
    if (poll === RELOAD_POLLS) throw refused('The server has not read its configuration again within 10 s.');
    await session.rows('SELECT pg_sleep(0.02)');
  }
}

/** What is set in this place now, in the order of `names`. */
async function valuesOf(
  session: ApplySession,
  place: ValuesPlace,
  names: readonly Pick<NamedValue, 'name'>[],
): Promise<readonly NamedValue[]> {
  const known = place.kind === 'system' ? await systemValues(session) : await ownedValues(session, place);
  return names.map(({ name }) => ({ name, value: known.get(name) ?? null }));
}

/** What ALTER SYSTEM has written. */
async function systemValues(session: ApplySession): Promise<ReadonlyMap<string, string>> {
  const [right] = await session.rows<{ reads: boolean; sees: boolean }>(
    `SELECT has_table_privilege('pg_file_settings', 'SELECT') AND has_function_privilege('pg_show_all_file_settings()', 'EXECUTE') AS reads,
       pg_has_role('pg_read_all_settings', 'USAGE') AS sees`,
  );
  if (right?.reads !== true && right?.sees !== true) {
    throw refused('What is set now can not be read: GRANT pg_read_all_settings to this role.');
  }
  const rows = await session.rows<{ name: string; value: string }>(
    right.reads
      ? `SELECT name, setting AS value FROM pg_file_settings WHERE sourcefile ~ '/postgresql\\.auto\\.conf$' ORDER BY seqno`
      : `SELECT name, setting || coalesce(CASE WHEN unit !~ '^\\d' THEN unit END, '') AS value FROM pg_settings
         WHERE sourcefile ~ '/postgresql\\.auto\\.conf$'`,
  );
  return new Map(rows.map(({ name, value }) => [name, value]));
}

async function ownedValues(
  session: ApplySession,
  place: Exclude<ValuesPlace, { readonly kind: 'system' }>,
): Promise<ReadonlyMap<string, string>> {
  const rows = await (place.kind === 'table'
    ? session.rows<{ pair: string }>(
        `SELECT unnest(c.reloptions) AS pair FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2`,
        [place.schema, place.table],
      )
    : session.rows<{ pair: string }>(
        `SELECT unnest(s.setconfig) AS pair FROM pg_db_role_setting s WHERE (s.setdatabase, s.setrole) =
           (coalesce((SELECT oid FROM pg_database WHERE datname = current_database() AND $1), 0),
            coalesce((SELECT oid FROM pg_roles WHERE rolname = current_user AND NOT $1), 0))`,
        [place.kind === 'database'],
      ));
  return new Map(rows.map(({ pair }) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

/** Refuses what would be written and not come into force. */
async function checkSettings(
  session: ApplySession,
  kind: 'system' | 'database' | 'role',
  values: readonly NamedValue[],
): Promise<void> {
  const rows = await session.rows<{ name: string; context: string; source: string }>(
    'SELECT name, context, source FROM pg_settings WHERE name = ANY ($1)',
    [values.map(({ name }) => name)],
  );
  for (const { name } of values) {
    const row = rows.find((one) => one.name === name);
    if (row === undefined) throw refused(`This server has no setting ${name}.`);
    const allowed = kind === 'system' ? ['sighup', 'superuser', 'user'] : ['superuser', 'user'];
    if (!allowed.includes(row.context)) {
      throw refused(`${name} does not come into force by ${kind === 'system' ? 'a reload' : 'a new connection'}.`);
    }
    if (kind === 'system' && STRONGER.includes(row.source)) {
      throw refused(`${name} is set by the ${row.source}, which stands over ALTER SYSTEM.`);
    }
  }
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function refused(reason: string): AutopilotError {
  return new AutopilotError('AP_ORDER_REFUSED', `The value can not be set: ${reason}`, {
    remedy: 'Nothing was changed, or it was taken back; see the guide on tuning for the rights it takes.',
  });
}

function json(value: Plan): JsonValue {
  // Texts and nulls, which their types say by name only.
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
