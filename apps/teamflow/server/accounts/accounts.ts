import { apiKey, defaultKeyHasher } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { isAPIError } from 'better-auth/api';
import { admin, organization } from 'better-auth/plugins';
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { createDatabase, type Database, schemaName } from '../database/database.ts';
import type { SignUp } from '../environment.ts';

/** Where better-auth answers: sign-in, sign-out, organizations, invitations, API keys, administration of users. */
export const accountsPath = '/api/auth';
/** Carries the caller's address to better-auth; whatever a caller sends under this name is dropped. */
export const clientAddressHeader = 'x-teamflow-client-address';
/** How long a cookie vouches for its session without asking the database: how late a ban or sign-out can bite. */
const cookieCacheSeconds = 60;
/** A key's time of last use is written at most this often, so that calls with one key do not queue for its row. */
const lastUseEveryMs = 60_000;

/** Somebody with an account. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** `admin` runs the installation; it opens no organization. */
  readonly role: 'admin' | 'user';
}

export interface AccountsOptions {
  readonly pool: pg.Pool;
  /** Signs cookies; at least 32 characters. */
  readonly secret: string;
  /** Where people reach TeamFlow; https makes its cookies secure ones. */
  readonly publicUrl: string;
  /** Whether people may make accounts for themselves; default: only administrators make them. */
  readonly signUp?: SignUp;
  /** Sign-in throttling; off only in tests that sign in many times. Default on. */
  readonly throttled?: boolean;
  readonly log?: (level: 'debug' | 'info' | 'success' | 'warn' | 'error', message: string) => void;
}

/** Lines of log a minute at most: some are about what a stranger sent, who could fill the log. */
const linesPerMinute = 20;

function atMostEachMinute(log: NonNullable<AccountsOptions['log']>): NonNullable<AccountsOptions['log']> {
  let beganMs = Number.NEGATIVE_INFINITY;
  let lines = 0;
  return (level, message) => {
    const now = performance.now();
    if (now - beganMs > 60_000) {
      beganMs = now;
      lines = 0;
    }
    lines += 1;
    if (lines <= linesPerMinute) log(level, message);
    else if (lines === linesPerMinute + 1) log(level, 'More was said in this minute; it is left out.');
  };
}

// The return type is better-auth's own inference; Accounts below is what the rest of TeamFlow sees of it.
function createAuth(options: AccountsOptions) {
  // Its own Kysely: better-auth qualifies its tables itself.
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: options.pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  const log = options.log === undefined ? undefined : atMostEachMinute(options.log);
  return betterAuth({
    appName: 'TeamFlow',
    baseURL: options.publicUrl,
    basePath: accountsPath,
    secret: options.secret,
    database: { db, type: 'postgres', schemaName, transaction: true },
    telemetry: { enabled: false },
    onAPIError: {
      // What a caller did wrong is answered and not logged: anybody could fill the log. By default each is a line.
      onError: (error) => {
        if (isAPIError(error) && error.statusCode < 500) return;
        log?.('error', error instanceof Error ? (error.stack ?? error.message) : String(error));
      },
    },
    logger: {
      // Its warnings are about wrong passwords and the like.
      level: 'error',
      ...(log === undefined ? {} : { log: (level, message) => log(level, message) }),
    },
    advanced: {
      cookiePrefix: 'teamflow',
      useSecureCookies: options.publicUrl.startsWith('https:'),
      database: { generateId: 'uuid' },
      ipAddress: { ipAddressHeaders: [clientAddressHeader] },
    },
    // A page may call from where it was loaded, by whatever name the server was reached: cookies belong to that name.
    trustedOrigins: (request) => {
      const host = request?.headers.get('host');
      return host === null || host === undefined ? [] : [`http://${host}`, `https://${host}`];
    },
    // Without mail nothing proves that an address is one's own: an address alone therefore opens nothing. What was sent to
    // one (an invitation) is opened by its link, and better-auth lists invitations only to addresses that are verified.
    emailAndPassword: {
      enabled: true,
      disableSignUp: options.signUp !== 'open',
      minPasswordLength: 8,
      maxPasswordLength: 128,
    },
    session: { modelName: 'sessions', cookieCache: { enabled: true, maxAge: cookieCacheSeconds } },
    rateLimit: {
      enabled: options.throttled ?? true,
      storage: 'database',
      modelName: 'rate_limits',
      customRules: { '/sign-in/email': { window: 60, max: 10 } },
    },
    user: { modelName: 'users' },
    account: { modelName: 'accounts' },
    verification: { modelName: 'verifications' },
    plugins: [
      admin(),
      organization({
        membershipLimit: 10_000,
        organizationLimit: 20,
        schema: {
          organization: { modelName: 'organizations' },
          member: { modelName: 'members' },
          invitation: { modelName: 'invitations' },
        },
      }),
      // Its default of ten calls a day is for keys that are sold; ours are a member's own.
      apiKey(
        { defaultPrefix: 'tf_', requireName: true, rateLimit: { enabled: false } },
        { schema: { apikey: { modelName: 'api_keys' } } },
      ),
    ],
  });
}

function asUser(row: { id: string; name: string; email: string; role?: string | null | undefined }): User {
  const roles = (row.role ?? '').split(',');
  return { id: row.id, name: row.name, email: row.email, role: roles.includes('admin') ? 'admin' : 'user' };
}

/** What a request's cookies say. */
export interface SessionAnswer {
  readonly user: User;
  /** Cookies to send back: the refreshed session. */
  readonly setCookies: readonly string[];
}

/** Accounts, sessions and API keys, kept by better-auth on TeamFlow's database. */
export class Accounts {
  readonly #auth: ReturnType<typeof createAuth>;
  readonly #database: Database;

  constructor(options: AccountsOptions) {
    this.#auth = createAuth({ ...options });
    // Whoever calls learns of a failure; until then it must not count as one that nobody handles.
    this.#auth.$context.catch(() => {});
    this.#database = createDatabase(options.pool);
  }

  /** Resolves when better-auth has taken its options, and rejects with what it has against them. */
  async ready(): Promise<void> {
    await this.#auth.$context;
  }

  /** better-auth's own HTTP interface, below `accountsPath`. */
  handle(request: Request): Promise<Response> {
    return this.#auth.handler(request);
  }

  /** Who is signed in by this `Cookie` header; undefined: nobody. */
  async sessionOf(cookie: string): Promise<SessionAnswer | undefined> {
    const { response, headers } = await this.#auth.api.getSession({
      headers: new Headers({ cookie }),
      returnHeaders: true,
    });
    return response === null ? undefined : { user: asUser(response.user), setCookies: headers.getSetCookie() };
  }

  /**
   * Whose API key this is; undefined: nobody's, or one that is disabled, expired or of a banned user. better-auth makes
   * and keeps the keys, but its own check writes the key's row twice on every call; this one only reads.
   */
  async ownerOfKey(key: string): Promise<User | undefined> {
    const row = await this.#database
      .selectFrom('apiKeys')
      // Cast on this side: the other way round the users' primary key could not be used.
      .innerJoin('users', (join) =>
        join.on((eb) => eb('users.id', '=', eb.cast<string>('apiKeys.referenceId', 'uuid'))),
      )
      .select(['apiKeys.id as keyId', 'apiKeys.enabled', 'apiKeys.expiresAt', 'apiKeys.lastRequest'])
      .select(['users.id', 'users.name', 'users.email', 'users.role', 'users.banned', 'users.banExpires'])
      .where('apiKeys.key', '=', await defaultKeyHasher(key))
      .executeTakeFirst();
    const now = Date.now();
    if (row === undefined || row.enabled === false || (row.expiresAt?.getTime() ?? now + 1) <= now) return undefined;
    if (row.banned === true && (row.banExpires?.getTime() ?? now + 1) > now) return undefined;
    if ((row.lastRequest?.getTime() ?? 0) < now - lastUseEveryMs) {
      await this.#database
        .updateTable('apiKeys')
        .set({ lastRequest: new Date(now) })
        .where('id', '=', row.keyId)
        .where((eb) => eb.or([eb('lastRequest', 'is', null), eb('lastRequest', '<', new Date(now - lastUseEveryMs))]))
        .execute();
    }
    return asUser(row);
  }

  /** Makes a user with a password, past the closed sign-up. */
  async createUser(user: { email: string; name: string; password: string; role: 'admin' | 'user' }): Promise<User> {
    const { user: created } = await this.#auth.api.createUser({ body: user });
    return asUser(created);
  }

  async setRole(userId: string, role: 'admin' | 'user'): Promise<void> {
    const context = await this.#auth.$context;
    await context.internalAdapter.updateUser(userId, { role });
  }

  /** Sets the password and ends the user's sessions, unless it is that already. Answers whether it changed. */
  async ensurePassword(userId: string, password: string): Promise<boolean> {
    const context = await this.#auth.$context;
    const found = await context.internalAdapter.findAccounts(userId);
    const hash = found.find((account) => account.providerId === 'credential')?.password;
    if (typeof hash === 'string' && (await context.password.verify({ hash, password }))) return false;
    const changed = await context.password.hash(password);
    if (typeof hash === 'string') await context.internalAdapter.updatePassword(userId, changed);
    else {
      await context.internalAdapter.linkAccount({
        userId,
        providerId: 'credential',
        accountId: userId,
        password: changed,
      });
    }
    await context.internalAdapter.deleteUserSessions(userId);
    return true;
  }

  async hashPassword(password: string): Promise<string> {
    return (await this.#auth.$context).password.hash(password);
  }

  /** An API key of a user's, to be sent as `x-api-key`; it is shown once and kept as a hash. */
  async createApiKey(userId: string, name: string): Promise<string> {
    const { key } = await this.#auth.api.createApiKey({ body: { userId, name } });
    return key;
  }
}
