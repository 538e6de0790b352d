import type pg from 'pg';
import { isPostgresUrl } from '../kernel/environment.ts';
import { AutopilotError } from '../kernel/errors.ts';

/** Where the store is, as an agent finds it. */
export interface StoreAddress {
  /** How a connection of this process gets there. */
  readonly connection: pg.PoolConfig;
  /** The same as a URL, for another process; null: it can't be written as one, `reason` says why. */
  readonly url: string | null;
  readonly reason: string | null;
}

type MakePool = (settings: pg.PoolConfig) => pg.Pool;

/** What pg-pool has and @types/pg does not tell: the class of its connections. */
interface PoolWithClient {
  readonly Client?: new (config: pg.PoolConfig) => { readonly connectionParameters?: ConnectionParameters };
}

/** What pg makes of its options, of a URL among them and of the PG... variables. */
interface ConnectionParameters {
  readonly host?: string | null;
  readonly port?: number;
  readonly user?: string;
  readonly password?: unknown;
  readonly database?: string;
  readonly ssl?: unknown;
}

/** The address that a URL names. */
export function addressOfUrl(url: string): StoreAddress {
  return { connection: { connectionString: url }, url, reason: null };
}

/**
 * The address that the application's pool connects to, whatever way it was told. Opens no connection.
 * Never throws: what can't be found out has a reason.
 */
export function addressOfPool(pool: pg.Pool): StoreAddress {
  let connection: pg.PoolConfig = {};
  try {
    const { connectionString, host, port, user, password, database, ssl, stream } = pool.options;
    connection = {
      ...(connectionString === undefined ? {} : { connectionString }),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      ...(database === undefined ? {} : { database }),
      ...(ssl === undefined ? {} : { ssl }),
      ...(stream === undefined ? {} : { stream }),
    };
    // Certificates that it names by their files, for example, are in the URL already.
    if (connectionString !== undefined && ssl === undefined && isPostgresUrl(connectionString)) {
      return { connection, url: connectionString, reason: null };
    }
    return { connection, ...urlOf(parametersOf(pool, connection)) };
  } catch {
    return { connection, url: null, reason: 'the options of the pool could not be read' };
  }
}

/** Makes pools of the class of the application's pool, so that no driver is loaded for us. */
export function poolMakerLike(pool: pg.Pool, connection: pg.PoolConfig): MakePool {
  const { Client } = pool as PoolWithClient; // see PoolWithClient
  return (settings) =>
    // What made the application's pool makes one of ours; pg-pool's own class takes the class of clients beside the options.
    Reflect.construct(pool.constructor, [{ ...settings, ...connection }, Client]) as pg.Pool;
}

/** Makes pools of the driver that lies beside this package. */
export async function poolMakerOfDriver(connection: pg.PoolConfig): Promise<MakePool> {
  const { default: driver } = await import('pg').catch((cause: unknown) => {
    throw new AutopilotError('AP_STORE_DRIVER', 'The package pg could not be loaded.', {
      remedy: 'Install pg beside your application, or instrument a pool: its driver is then used.',
      cause,
    });
  });
  return (settings) => new driver.Pool({ ...settings, ...connection });
}

function parametersOf(pool: pg.Pool, connection: pg.PoolConfig): ConnectionParameters {
  const { Client } = pool as PoolWithClient; // see PoolWithClient
  // Never connected: pg resolves its options when a client is made.
  return (Client === undefined ? undefined : new Client(connection).connectionParameters) ?? {};
}

function urlOf(parameters: ConnectionParameters): Pick<StoreAddress, 'url' | 'reason'> {
  const { host, port, user, password, database } = parameters;
  if (typeof password === 'function') return { url: null, reason: 'its password is a function' };
  const sslMode = sslModeOf(parameters.ssl);
  if (sslMode === null) return { url: null, reason: 'it has TLS options that fit in no URL' };
  const url = new URL('postgres://localhost');
  url.username = encodeURIComponent(user ?? '');
  if (typeof password === 'string') url.password = encodeURIComponent(password);
  url.port = String(port ?? 5432);
  url.pathname = encodeURIComponent(database ?? user ?? '');
  // As a parameter, because it may be the folder of a socket.
  url.searchParams.set('host', host ?? 'localhost');
  url.searchParams.set('sslmode', sslMode);
  return { url: url.href, reason: null };
}

/** As pg reads it; null: it has no word for this. */
function sslModeOf(ssl: unknown): string | null {
  if (ssl === undefined || ssl === null || ssl === false || ssl === 'disable') return 'disable';
  if (ssl === true) return 'verify-full';
  if (typeof ssl !== 'object') return null;
  const options = Object.entries(ssl).filter(([, value]) => value !== undefined);
  if (options.length === 0) return 'verify-full';
  const [[name, value] = []] = options;
  if (options.length > 1 || name !== 'rejectUnauthorized') return null;
  return value === false ? 'no-verify' : 'verify-full';
}
