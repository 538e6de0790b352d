import { type Environment, invalidVariable } from '../kernel/environment.ts';

/** Where and how metrics are pushed. */
export interface OtlpSettings {
  readonly endpoint: URL;
  /** Sent with every push; secrets, so never told. */
  readonly headers: Readonly<Record<string, string>>;
  /** `delta`: what was added since the last push that was taken. */
  readonly temporality: 'cumulative' | 'delta';
  readonly intervalMs: number;
  /** For one request and its answer. */
  readonly timeoutMs: number;
  readonly gzip: boolean;
}

const METRICS_PATH = 'v1/metrics';

/**
 * What the environment says, in the manner of OpenTelemetry's exporter with AUTOPILOT_ for OTEL_EXPORTER_, so that
 * pushing the autopilot's metrics is a choice of its own. null: nothing is pushed.
 * @throws AutopilotError AP_ENVIRONMENT_INVALID, without the value where it may be secret
 */
export function otlpSettings(environment: Environment): OtlpSettings | null {
  const exact = environment['AUTOPILOT_OTLP_METRICS_ENDPOINT'];
  const base = environment['AUTOPILOT_OTLP_ENDPOINT'];
  if (!exact && !base) return null;
  const endpoint = exact
    ? urlOf('AUTOPILOT_OTLP_METRICS_ENDPOINT', exact)
    : urlOf('AUTOPILOT_OTLP_ENDPOINT', base ?? '');
  if (!exact) endpoint.pathname = endpoint.pathname.replace(/\/?$/, `/${METRICS_PATH}`);
  const choice = <Of extends string>(name: string, choices: readonly Of[], fallback: Of): Of => {
    const text = environment[name] || fallback;
    const chosen = choices.find((one) => one === text);
    if (chosen !== undefined) return chosen;
    throw invalidVariable(name, JSON.stringify(text), `Set it to ${choices.join(' or ')}.`);
  };
  const milliseconds = (name: string, fallback: number, least: number, most: number): number => {
    const text = environment[name] || String(fallback);
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw invalidVariable(name, JSON.stringify(text), `Set it to milliseconds from ${least} to ${most}.`);
  };
  return {
    endpoint,
    headers: headersOf(environment['AUTOPILOT_OTLP_HEADERS'] ?? ''),
    temporality: choice('AUTOPILOT_OTLP_TEMPORALITY', ['cumulative', 'delta'], 'cumulative'),
    intervalMs: milliseconds('AUTOPILOT_OTLP_INTERVAL_MS', 60_000, 1_000, 3_600_000),
    timeoutMs: milliseconds('AUTOPILOT_OTLP_TIMEOUT_MS', 10_000, 100, 60_000),
    gzip: choice('AUTOPILOT_OTLP_COMPRESSION', ['gzip', 'none'], 'gzip') === 'gzip',
  };
}

function urlOf(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw invalidVariable(name, 'no URL that begins with http:// or https://', 'Set it as http://collector:4318.');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidVariable(name, 'a URL with a password in it', 'Give credentials in AUTOPILOT_OTLP_HEADERS.');
  }
  return url;
}

/** "name=value,name=value", values percent-encoded where they need it (W3C Baggage, as OpenTelemetry has it). */
function headersOf(text: string): Readonly<Record<string, string>> {
  const headers = new Headers();
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const at = pair.indexOf('=');
    try {
      headers.set(pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim()));
    } catch {
      // The value may be secret, and so may a name that is none.
      throw invalidVariable('AUTOPILOT_OTLP_HEADERS', 'not a list of headers', 'Set it as name=value,name=value.');
    }
  }
  return Object.fromEntries(headers);
}
