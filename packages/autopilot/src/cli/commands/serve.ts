import { type Scope, scopes } from '../../contract/principal.ts';
import { tenantLimitOf } from '../../expose/cumulative-metrics.ts';
import { otlpSettings } from '../../expose/otlp-settings.ts';
import { databaseUrlOfApplication, isPostgresUrl } from '../../kernel/environment.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { type Command, exitCodes, type Terminal, UsageError } from '../command.ts';

/** The same trouble is told this often at most. */
const TELL_AGAIN_MS = 10_000;

/** `autopilot serve`: a control plane, by itself or as the child of an agent. */
export const serve: Command = {
  summary: 'run the control plane: the API, the dashboard, and what watches the service',
  description: [
    'An agent starts it as its child, linked over IPC; it then ends with its parent. Started by itself it serves every application\nthat is given its address as AUTOPILOT_URL and the same AUTOPILOT_LINK_KEY, of any number of services.',
    "Secrets come by the environment alone: AUTOPILOT_TOKEN, the administrator's token, at least 32 characters (left out,\none is made and printed once); AUTOPILOT_LINK_KEY, shared with the agents (two, separated by a comma, while rotating); AUTOPILOT_DATABASE_URL, where history is kept (left out, DATABASE_URL;\nwithout either there is only the live hour);\nAUTOPILOT_WATCH_<NAME>, further databases to watch, as standbys of the first: AUTOPILOT_WATCH_REPLICA=postgres://...;\nAUTOPILOT_APPLY_DATABASE_URL, a role that owns the tables, where that of DATABASE_URL does not and changes are to be tried.",
    'Ends in order on SIGTERM and SIGINT. Exit codes: 0 ended in order, 1 could not run, 2 used wrongly.',
  ],
  flags: {
    port: {
      value: 'number',
      description: 'Port to listen on, 0 for a free one; default 3001',
      environment: 'AUTOPILOT_PORT',
    },
    host: {
      value: 'address',
      description: 'Address to listen on; default HOST, else 127.0.0.1',
      environment: 'AUTOPILOT_HOST',
    },
    service: {
      value: 'name',
      description: 'Service of calls that name none; default: the first that links',
      environment: 'AUTOPILOT_SERVICE',
    },
    advertise: {
      value: 'url',
      description: 'Where other control planes of the same database reach this one; default: where it listens',
      environment: 'AUTOPILOT_ADVERTISE',
    },
    'link-scope': {
      value: 'scope',
      description: 'The most that applications may grant their users here: read, operate or admin; default admin',
      environment: 'AUTOPILOT_LINK_SCOPE',
    },
  },
  run: async (values, terminal) => {
    const { environment, out } = terminal;
    const wasForked = process.send !== undefined;
    const port = portOf(values['port'] ?? '3001');
    const token = environment['AUTOPILOT_TOKEN'];
    const linkKeys = linkKeysOf(environment['AUTOPILOT_LINK_KEY']);
    const linkScope = linkScopeOf(values['link-scope']);
    const host = values['host'] ?? environment['HOST'];
    const databaseUrl = databaseUrlOf(environment);
    // The application's own; history may be kept elsewhere.
    const watchedUrl = databaseUrlOfApplication(environment) ?? databaseUrl;
    const watched = { ...(watchedUrl === undefined ? {} : { main: watchedUrl }), ...watchedBeside(environment) };
    const applyUrl = applyUrlOf(environment);
    const exposedTenants = tenantLimitOf(environment['AUTOPILOT_METRICS_TENANTS']);
    const { createControlPlane } = await import('../../control-plane.ts');
    const advertise = advertisedOf(values['advertise']);
    // Said by an agent that starts its own control plane.
    const applicationUrl = environment['AUTOPILOT_APPLICATION_URL'] || undefined;
    const make = (onPort: number): ReturnType<typeof createControlPlane> =>
      createControlPlane({
        port: onPort,
        linkKeys,
        linkScope,
        environment,
        exposedTenants,
        otlp: otlpSettings(environment),
        folder: process.cwd(),
        onTrouble: troubleTo(terminal),
        // Empty is as good as not set.
        ...(host ? { host } : {}),
        ...(token ? { token } : {}),
        ...(advertise === undefined ? {} : { advertise }),
        ...(applicationUrl === undefined ? {} : { applicationUrl }),
        ...(databaseUrl === undefined ? {} : { databaseUrl }),
        ...(Object.keys(watched).length === 0 ? {} : { watch: watched }),
        ...(applyUrl === undefined ? {} : { applyUrls: { main: applyUrl } }),
        ...(values['service'] === undefined ? {} : { service: values['service'] }),
      });
    const plane = await make(port).catch(async (error: unknown) => {
      // Processes of one service that share a port have the same default here: the first one gets it.
      if (isTaken(error) && wasForked && databaseUrl !== undefined) return await make(0);
      if (error instanceof AutopilotError && error.code === 'AP_TOKEN_WEAK') {
        throw new UsageError(`AUTOPILOT_TOKEN can't be used: ${error.message}`, error.remedy ?? '');
      }
      throw error;
    });
    out(`Autopilot's control plane answers at ${plane.address}`);
    out(`Dashboard: ${plane.dashboardUrl}`);
    if (plane.madeToken !== null) {
      out(`Token, made now and shown once (AUTOPILOT_TOKEN sets one of your own): ${plane.madeToken}`);
    }
    return await new Promise<number>((resolve) => {
      const end = (): void => {
        plane.close().then(
          () => resolve(exitCodes.ok),
          () => resolve(exitCodes.failed),
        );
      };
      const isChild = plane.acceptParent(end);
      // Its parent ended while it was starting: nobody will tell it any more.
      if (wasForked && !process.connected) end();
      process.once('SIGTERM', end);
      // Ctrl-C reaches parent and child alike; the child ends with its parent, which still has something to tell it.
      process.on('SIGINT', isChild ? () => {} : end);
    });
  },
};

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError(
    `The port is ${JSON.stringify(text)}, which is no number from 0 to 65535.`,
    'Correct --port or AUTOPILOT_PORT; 0 chooses a free one.',
  );
}

/** Never shown: it holds a password. */
function databaseUrlOf(environment: Terminal['environment']): string | undefined {
  const own = environment['AUTOPILOT_DATABASE_URL'] || undefined;
  if (own !== undefined && !isPostgresUrl(own)) {
    throw new UsageError(
      'AUTOPILOT_DATABASE_URL is no PostgreSQL URL.',
      'Give it as postgres://user:password@host:5432/database, or leave it out.',
    );
  }
  return own ?? databaseUrlOfApplication(environment);
}

const WATCHED = /^AUTOPILOT_WATCH_([A-Z][A-Z0-9_]{0,30})$/;

/** Databases beside the application's own, by the names that AUTOPILOT_WATCH_<NAME> gives them; never shown either. */
function watchedBeside(environment: Terminal['environment']): Readonly<Record<string, string>> {
  const watched: Record<string, string> = {};
  for (const [variable, url] of Object.entries(environment)) {
    const name = WATCHED.exec(variable)?.[1]?.toLowerCase();
    if (name === undefined || !url) continue;
    if (name === 'main' || !isPostgresUrl(url)) {
      throw new UsageError(
        name === 'main' ? 'AUTOPILOT_WATCH_MAIN names what DATABASE_URL is.' : `${variable} is no PostgreSQL URL.`,
        'Give it as postgres://user:password@host:5432/database, under a name of its own.',
      );
    }
    watched[name] = url;
  }
  return watched;
}

/** Never shown either. */
function applyUrlOf(environment: Terminal['environment']): string | undefined {
  const url = environment['AUTOPILOT_APPLY_DATABASE_URL'] || undefined;
  if (url === undefined || isPostgresUrl(url)) return url;
  throw new UsageError(
    'AUTOPILOT_APPLY_DATABASE_URL is no PostgreSQL URL.',
    'Give it as postgres://user:password@host:5432/database, of a role that owns the tables, or leave it out.',
  );
}

const MIN_KEY_LENGTH = 32;

function linkKeysOf(text: string | undefined): readonly string[] {
  const keys = (text ?? '').split(',').filter((key) => key !== '');
  const short = keys.find((key) => key.length < MIN_KEY_LENGTH);
  if (short !== undefined || keys.length > 2) {
    throw new UsageError(
      short === undefined
        ? `AUTOPILOT_LINK_KEY holds ${keys.length} keys; two are the most.`
        : `A key in AUTOPILOT_LINK_KEY has ${short.length} characters; it needs at least ${MIN_KEY_LENGTH}.`,
      'Make one at random, for example by: openssl rand -hex 32',
    );
  }
  return keys;
}

function isTaken(error: unknown): boolean {
  const cause = error instanceof AutopilotError && error.code === 'AP_LISTEN_FAILED' ? error.cause : null;
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
}

function advertisedOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.username === '') return url.origin;
  throw new UsageError(
    `The advertised address is ${JSON.stringify(text)}, which is no address of a control plane.`,
    'Correct --advertise or AUTOPILOT_ADVERTISE: http://10.0.0.7:3001, say.',
  );
}

function linkScopeOf(text = 'admin'): Scope {
  const scope = scopes.find((known) => known === text);
  if (scope !== undefined) return scope;
  throw new UsageError(
    `The link scope is ${JSON.stringify(text)}, which is no scope.`,
    `Correct --link-scope or AUTOPILOT_LINK_SCOPE: ${scopes.join(', ')}.`,
  );
}

function troubleTo({ error: write }: Terminal): (message: string, cause?: unknown) => void {
  let last = '';
  let lastAt = Number.NEGATIVE_INFINITY;
  return (message, cause) => {
    const now = Date.now();
    if (message === last && now - lastAt < TELL_AGAIN_MS) return;
    last = message;
    lastAt = now;
    const stack = cause instanceof Error ? `\n${cause.stack ?? cause.message}` : '';
    write(`${new Date(now).toISOString()} ${message}${stack}`);
  };
}
