import type { FastifyReply, FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import type { User } from '../accounts/accounts.ts';
import type { Database } from '../database/database.ts';

/** What a call of an administrator was about; never what it set a password to. */
export interface AdministrativeCall {
  /** Who made it; null: nobody who is signed in. */
  readonly by: Pick<User, 'id' | 'email'> | null;
  /** Id of the user or e-mail address that it was about; null: of none. */
  readonly about: string | null;
  /** The address of that account before the call; undefined: it is still there to be asked for. */
  readonly email?: string | null;
  /** The role that it gave; null: none. */
  readonly role: string | null;
}

/** How many calls are kept; older ones are dropped. Those that were refused apart: whoever may do nothing shall hide nothing. */
interface KeptCalls {
  readonly done: number;
  readonly refused: number;
}

const KEPT: KeptCalls = { done: 100_000, refused: 10_000 };
/** One call in so many drops what is too old: there are at most so many more than are kept. */
const DROP_EVERY = 100;
/** What a call says of itself is cut to this. */
const LONGEST_TEXT = 300;

/** Keeps who changed what in the administration, or tried to, and how that ended: in a table, and a line of the log. */
export class AdministrativeLog {
  readonly #database: Database;
  readonly #kept: KeptCalls;
  readonly #dropEvery: number;

  constructor(database: Database, kept: KeptCalls = KEPT, dropEvery: number = DROP_EVERY) {
    this.#database = database;
    this.#kept = kept;
    this.#dropEvery = dropEvery;
  }

  /** The address of an account by its id, or by itself; to be asked before a call that may remove it. */
  async emailOf(about: string | null): Promise<string | null> {
    if (about === null) return null;
    if (about.includes('@')) return about;
    const found = await this.#database
      .selectFrom('users')
      .select('users.email')
      .where((eb) => eb(eb.cast<string>('users.id', 'text'), '=', about))
      .executeTakeFirst();
    return found?.email ?? null;
  }

  /** Keeps a call that is about to be answered. What can't be kept does not undo what was done: the line of the log says it. */
  async keep(request: FastifyRequest, { statusCode }: FastifyReply, call: AdministrativeCall): Promise<void> {
    const { by, about, role } = call;
    // Strangers are refused, and counted; they shall not fill the log.
    if (by === null) return;
    const path = request.url.split('?', 1)[0] ?? request.url;
    const named = `${request.method} ${path}`.slice(0, LONGEST_TEXT);
    const audit = { by: by.id, about, role, call: named, status: statusCode, from: request.ip };
    request.log.warn({ audit }, 'an administrative call');
    try {
      const { id } = await this.#database
        .insertInto('administrativeCalls')
        .values({
          userId: by.id,
          userEmail: by.email,
          aboutId: about,
          aboutEmail: call.email === undefined ? await this.emailOf(about) : call.email,
          call: named,
          role,
          status: statusCode,
          address: request.ip,
          requestId: request.id.slice(0, LONGEST_TEXT),
        })
        .returning('administrativeCalls.id')
        .executeTakeFirstOrThrow();
      if (id % this.#dropEvery === 0) await this.#drop();
    } catch (error) {
      request.log.error(
        { err: error, audit },
        'an administrative call is in this log only: its table could not be written',
      );
    }
  }

  async #drop(): Promise<void> {
    for (const [isRefused, kept] of [
      [false, this.#kept.done],
      [true, this.#kept.refused],
    ] as const) {
      await sql`
        delete from teamflow.administrative_calls
        where (status >= 400) = ${isRefused} and id <= (
          select id from teamflow.administrative_calls where (status >= 400) = ${isRefused}
          order by id desc offset ${kept} limit 1
        )`.execute(this.#database);
    }
  }
}

/** What a body of better-auth's administration is about. */
export function aboutOf(body: Uint8Array | undefined): Pick<AdministrativeCall, 'about' | 'role'> {
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(body ?? []).toString());
  } catch {
    // It is refused for that.
  }
  const text = (name: string): string | null => {
    const value: unknown = typeof said === 'object' && said !== null ? Reflect.get(said, name) : null;
    // PostgreSQL's texts hold everything but this character.
    return typeof value === 'string' ? value.slice(0, LONGEST_TEXT).replaceAll('\0', '') : null;
  };
  return { about: text('userId') ?? text('email'), role: text('role') };
}
