import { tenantLimitOf } from '../expose/cumulative-metrics.ts';
import { databaseUrlOfApplication, type Environment, invalidVariable, isPostgresUrl } from '../kernel/environment.ts';
import type { LinkTarget } from '../link/http-channel.ts';
import { readLinkTarget } from '../link/link-environment.ts';
import { processNames } from './process-names.ts';

/** A control plane of the caller's own making, started as a child in place of `autopilot serve`. */
export interface ControlPlaneProgram {
  /** A module that speaks the link over its IPC channel. */
  readonly module: URL;
  readonly args?: readonly string[];
}

/** What an agent is told; each name also comes from the environment, which wins. */
export interface AgentOptions {
  /** Names the service that this process belongs to; AUTOPILOT_SERVICE wins. Default: the package's name. */
  readonly service?: string;
  /** Names this process among those of the service; AUTOPILOT_INSTANCE wins. Default: host and process id. */
  readonly instance?: string;
  /** Names what is deployed; AUTOPILOT_RELEASE wins. Default: the package's version, or the git commit. */
  readonly release?: string;
  /**
   * `child`: start one with this process, which ends with it. `none`: measure and keep, for tests. Default `child`.
   * It starts when the application listens, on AUTOPILOT_PORT, or else on the application's own port plus one. A process
   * that serves nothing starts it only when AUTOPILOT_PORT says where. With AUTOPILOT_URL none is started: `child` is then the
   * control plane there.
   */
  readonly controlPlane?: 'child' | 'none' | ControlPlaneProgram;
  /**
   * Where history is kept, as `postgres://...`; AUTOPILOT_DATABASE_URL wins. null: nowhere. Default: DATABASE_URL of the
   * environment, or else where the first instrumented pool connects to; with controlPlane `none`: nowhere.
   */
  readonly databaseUrl?: string | null;
}

const MIN_TOKEN_LENGTH = 32;
const MAX_NAME_LENGTH = 256;

/** What an agent knows before it starts. */
export interface AgentEnvironment {
  readonly service: string;
  readonly instance: string;
  readonly release: string;
  /** Whether somebody named the instance, so that it has the same name at its next start. */
  readonly instanceIsNamed: boolean;
  /** null: not given. */
  readonly port: number | null;
  /** null: nowhere; undefined: where the first instrumented pool connects to. */
  readonly databaseUrl: string | null | undefined;
  /** null: not given. */
  readonly token: string | null;
  /** Tenants that metrics tell apart. */
  readonly exposedTenants: number;
  /** The control plane to use in place of one that is started; null: none is named. */
  readonly remote: LinkTarget | null;
}

/**
 * null: the agent is switched off. An empty variable counts as absent.
 * @throws AutopilotError AP_ENVIRONMENT_INVALID
 */
export function readAgentEnvironment(variables: Environment, options: AgentOptions): AgentEnvironment | null {
  const enabled = variables['AUTOPILOT_ENABLED'] || '1';
  if (enabled === '0' || enabled === 'false') return null;
  if (enabled !== '1' && enabled !== 'true')
    throw invalidVariable('AUTOPILOT_ENABLED', JSON.stringify(enabled), 'Set it to 0 or 1, or leave it out.');
  const port = variables['AUTOPILOT_PORT'] || null;
  if (port !== null && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535))
    throw invalidVariable(
      'AUTOPILOT_PORT',
      JSON.stringify(port),
      'Set it to a port from 0 to 65535; 0 picks a free one.',
    );
  const token = variables['AUTOPILOT_TOKEN'] || null;
  if (token !== null && token.length < MIN_TOKEN_LENGTH) {
    throw invalidVariable(
      'AUTOPILOT_TOKEN',
      `${token.length} characters long`,
      `Give at least ${MIN_TOKEN_LENGTH} random characters, or leave it out: one is then made and printed.`,
    );
  }
  const found = processNames();
  const name = (variable: string, option: string | undefined, fallback: string): string => {
    const value = variables[variable] || option || fallback;
    if (value.length <= MAX_NAME_LENGTH) return value;
    throw invalidVariable(variable, `${value.length} characters long`, `A name has at most ${MAX_NAME_LENGTH}.`);
  };
  const instance = name('AUTOPILOT_INSTANCE', options.instance, found.instance);
  return {
    service: name('AUTOPILOT_SERVICE', options.service, found.service),
    instance,
    instanceIsNamed: instance !== found.instance,
    release: name('AUTOPILOT_RELEASE', options.release, found.release),
    port: port === null ? null : Number(port),
    databaseUrl: databaseUrlOf(variables, options),
    token,
    exposedTenants: tenantLimitOf(variables['AUTOPILOT_METRICS_TENANTS']),
    // A caller who brings a control plane, or wants none, is taken at his word.
    remote: (options.controlPlane ?? 'child') === 'child' ? readLinkTarget(variables) : null,
  };
}

function databaseUrlOf(variables: Environment, options: AgentOptions): string | null | undefined {
  const given = variables['AUTOPILOT_DATABASE_URL'] || options.databaseUrl;
  // Never shown: it holds a password.
  if (given && !isPostgresUrl(given)) {
    throw invalidVariable(
      'AUTOPILOT_DATABASE_URL',
      'no PostgreSQL URL',
      'Give it as postgres://user:password@host:5432/database.',
    );
  }
  if (given !== undefined) return given || null;
  if (options.controlPlane === 'none') return null;
  // An application that keeps its data in something else may instrument a pool beside it.
  return databaseUrlOfApplication(variables);
}
