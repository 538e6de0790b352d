import { PRINCIPAL_HEADER, signPrincipal } from '../access/signed-principal.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { PROBE_PATH } from '../link/leader-probe.ts';
import { type Doors, identify } from './authentication.ts';
import { DASHBOARD_PATH } from './dashboard-files.ts';
import { problemResponse } from './responses.ts';

/** What a {@link StandbyProxy} is made with. */
export interface StandbyProxyOptions {
  readonly doors: Doors;
  readonly clock: Clock;
  /** Names this control plane: a request that comes back is not sent round again. */
  readonly holder: string;
}

/** The control plane that leads, and the key that the fleet signs with. */
export interface LeaderDoor {
  readonly address: string;
  readonly key: string;
}

const VIA_HEADER = 'x-autopilot-via';

/** Of one connection (RFC 9110, section 7.6.1), or said anew by fetch. */
const NOT_PASSED_ON = [
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const;

/**
 * Answers for a control plane that does not lead, by asking the one that does. Who is calling is found out here, by the token or
 * the application's signature that this one knows, and told the leader under the fleet's key; what is not known here is passed
 * on as it came, for the leader to judge.
 */
export class StandbyProxy {
  readonly #options: StandbyProxyOptions;

  constructor(options: StandbyProxyOptions) {
    this.#options = options;
  }

  /** Never rejects. Bodies and streams pass as they come. */
  async answer(request: Request, { address, key }: LeaderDoor): Promise<Response> {
    const { holder } = this.#options;
    const url = new URL(request.url);
    const requestId = request.headers.get('x-request-id') ?? '';
    if (request.headers.has(VIA_HEADER)) return unavailable('the control planes do not agree on who leads', requestId);
    const headers = this.#headersFor(request.headers, key);
    headers.set(VIA_HEADER, holder);
    try {
      // By its head: every POST that comes by Node has a stream, be it empty, which the leader would take for a body.
      const hasBody =
        request.headers.has('transfer-encoding') || Number(request.headers.get('content-length') ?? 0) > 0;
      const answer = await fetch(`${address}${url.pathname}${url.search}`, {
        method: request.method,
        headers,
        redirect: 'manual',
        signal: request.signal,
        // A stream as a body goes out while it comes in: "half" says that the answer may wait for its end.
        ...(hasBody && request.method !== 'GET' && request.method !== 'HEAD'
          ? { body: request.body, duplex: 'half' }
          : {}),
      });
      const kept = new Headers(answer.headers);
      for (const name of ['connection', 'keep-alive', 'transfer-encoding']) kept.delete(name);
      return new Response(answer.body, { status: answer.status, headers: kept });
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      return unavailable(`the one that leads, at ${address}, does not answer (${messageOf(cause)})`, requestId);
    }
  }

  #headersFor(from: Headers, key: string): Headers {
    const { doors, clock } = this.#options;
    const headers = new Headers(from);
    for (const name of NOT_PASSED_ON) headers.delete(name);
    const principal = identify(from, doors);
    headers.delete(PRINCIPAL_HEADER);
    if (principal === null) return headers;
    headers.delete('authorization');
    headers.set(PRINCIPAL_HEADER, signPrincipal(principal, key, clock.now(), principal.by));
    return headers;
  }
}

function unavailable(why: string, requestId: string): Response {
  return problemResponse(
    'AP_CONTROL_PLANE_UNAVAILABLE',
    `Another control plane leads this fleet: ${why}.`,
    requestId,
    'One of them takes the lead within ten seconds; ask again.',
    { 'retry-after': '1' },
  );
}

/** What a standby answers without asking the leader: its own health, and what is the same everywhere. */
export function answersItself(pathname: string): boolean {
  const same = ['/', '/livez', '/readyz', '/api/v1/openapi.json', '/api/v1/docs', PROBE_PATH];
  return same.includes(pathname) || `${pathname}/`.startsWith(DASHBOARD_PATH);
}
