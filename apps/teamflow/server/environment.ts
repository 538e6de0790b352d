import { isIP } from 'node:net';

/** How much sample data a new database is given. */
export type DataSize = 'none' | 'small' | 'medium' | 'large';

/** Which indexes a new database is given: all, or primary and unique keys only. */
export type IndexChoice = 'full' | 'neglected';

/** Whether people may make accounts for themselves, or only administrators do. */
export type SignUp = 'open' | 'closed';

/** Faults that TeamFlow makes on purpose, to see whether they are found: a list of tasks that asks for each assignee by itself. */
export type Plant = 'n-plus-one';

/** What TeamFlow was told from outside. Absent means: the default, or what the installation was made with. */
export interface Environment {
  readonly port: number;
  readonly host: string;
  /** Where people reach it, without a path; absent: http on host and port. */
  readonly publicUrl: string | undefined;
  /** Addresses and networks whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Absent: the embedded server. */
  readonly databaseUrl: string | undefined;
  readonly data: DataSize | undefined;
  readonly seed: number | undefined;
  readonly indexes: IndexChoice | undefined;
  readonly secret: string | undefined;
  /** Where the embedded server's data and made-up passwords are kept; absent: .data in the checkout. */
  readonly stateDirectory: string | undefined;
  readonly signUp: SignUp;
  readonly plants: ReadonlySet<Plant>;
  readonly administrator: {
    readonly email: string;
    /** Whether the address was given, rather than the default. */
    readonly emailGiven: boolean;
    readonly password: string | undefined;
  };
}

/** One or more variables that can not be used; the message has a line for each. */
export class EnvironmentError extends Error {
  override readonly name: string = 'EnvironmentError';

  constructor(problems: readonly string[]) {
    super(`TeamFlow can not start:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

/**
 * A URL, also one of PostgreSQL's without a host, which stands for a socket (`postgres://user@/database?host=/tmp`) and
 * is none by the rules of the web. Null: neither.
 */
export function parseAddress(text: string): URL | null {
  return URL.parse(text) ?? URL.parse(text.replace('@/', '@localhost/').replace(':///', '://localhost/'));
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads values and gathers what is wrong with them, so that all of it is said at once. */
class Reader {
  readonly problems: string[] = [];
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  /** An empty variable counts as absent, as in a .env file with a name and nothing after it. */
  text(name: string): string | undefined {
    const value = this.#variables[name];
    return value === undefined || value === '' ? undefined : value;
  }

  /** `shown` stands for a value that must not be read in a log. */
  refuse(name: string, allowed: string, shown: string = JSON.stringify(this.text(name))): undefined {
    this.problems.push(`${name} is ${shown}; it must be ${allowed}.`);
    return undefined;
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    return this.refuse(name, `a whole number from ${min} to ${max}`);
  }

  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    return choices.find((choice) => choice === value) ?? this.refuse(name, `one of ${choices.join(', ')}`);
  }

  url(name: string, protocols: readonly string[], allowed: string): URL | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const url = parseAddress(value);
    if (url !== null && protocols.includes(url.protocol)) return url;
    // A database URL holds a password, and this goes into logs.
    return this.refuse(name, allowed, url === null ? 'not a URL' : `a URL of ${url.protocol}`);
  }
}

/** What better-auth takes as one, so that it does not refuse later and with less to say. */
const emailAddress = /^(?!\.)(?!.*\.\.)[\w'+.-]*[\w+-]@([a-z\d][a-z\d-]*\.)+[a-z]{2,}$/i;

/** An address or name to listen on that also stands in a URL: so no zone (`%eth0`), and no name that is half a number. */
function isHost(host: string): boolean {
  if (isIP(host) !== 0) return !host.includes('%');
  const label = /^[a-z\d_]([a-z\d_-]{0,61}[a-z\d_])?$/i;
  if (host.length > 253 || !host.split('.').every((part) => label.test(part))) return false;
  return URL.parse(`http://${host}`)?.hostname === host.toLowerCase();
}

function hiddenSecret(value: string): string {
  return `${value.length} characters long`;
}

/** @throws EnvironmentError that names every variable with a value that is not allowed, and what is. */
export function readEnvironment(variables: Variables): Environment {
  const reader = new Reader(variables);
  const port = reader.integer('PORT', 0, 65_535) ?? 3000;
  const host = reader.text('HOST') ?? '127.0.0.1';
  if (!isHost(host)) reader.refuse('HOST', 'an IP address such as 127.0.0.1 or ::, or a host name');
  const databaseUrl = reader.url(
    'DATABASE_URL',
    ['postgres:', 'postgresql:'],
    'a PostgreSQL URL such as postgres://user:password@host:5432/database',
  );
  const publicUrl = reader.url('TEAMFLOW_URL', ['http:', 'https:'], 'an http or https URL without a path');
  if (publicUrl !== undefined && (publicUrl.pathname !== '/' || publicUrl.search !== '' || publicUrl.hash !== '')) {
    reader.refuse('TEAMFLOW_URL', 'an http or https URL without a path');
  }
  const secret = reader.text('TEAMFLOW_SECRET');
  if (secret !== undefined && secret.length < 32) {
    reader.refuse('TEAMFLOW_SECRET', 'at least 32 characters long', hiddenSecret(secret));
  }
  const email = reader.text('TEAMFLOW_ADMIN_EMAIL');
  if (email !== undefined && !emailAddress.test(email)) reader.refuse('TEAMFLOW_ADMIN_EMAIL', 'an e-mail address');
  const password = reader.text('TEAMFLOW_ADMIN_PASSWORD');
  if (password !== undefined && (password.length < 8 || password.length > 128)) {
    reader.refuse('TEAMFLOW_ADMIN_PASSWORD', '8 to 128 characters long', hiddenSecret(password));
  }
  const environment: Environment = {
    port,
    host,
    publicUrl: publicUrl?.origin,
    trustedProxies: (reader.text('TEAMFLOW_TRUSTED_PROXIES') ?? '').split(/[\s,]+/).filter((entry) => entry !== ''),
    databaseUrl: databaseUrl === undefined ? undefined : reader.text('DATABASE_URL'),
    data: reader.choice('TEAMFLOW_DATA', ['none', 'small', 'medium', 'large']),
    seed: reader.integer('TEAMFLOW_SEED', 0, Number.MAX_SAFE_INTEGER),
    indexes: reader.choice('TEAMFLOW_INDEXES', ['full', 'neglected']),
    secret,
    stateDirectory: reader.text('TEAMFLOW_STATE'),
    signUp: reader.choice('TEAMFLOW_SIGN_UP', ['open', 'closed']) ?? 'open',
    plants: new Set(reader.choice('TEAMFLOW_PLANT', ['n-plus-one']) === undefined ? [] : ['n-plus-one']),
    administrator: {
      email: (email ?? 'admin@teamflow.local').toLowerCase(),
      emailGiven: email !== undefined,
      password,
    },
  };
  if (reader.problems.length > 0) throw new EnvironmentError(reader.problems);
  return environment;
}
