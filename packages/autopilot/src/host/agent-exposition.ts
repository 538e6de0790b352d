import { TokenVerifier } from '../access/token.ts';
import { errorTable, isErrorCode, type Problem, problemOf } from '../contract/error-table.ts';
import { hasScope, type TokenDigest } from '../contract/principal.ts';
import type { Origin, Window } from '../contract/series.ts';
import type { CumulativeLimits } from '../expose/cumulative-metrics.ts';
import { CumulativeMetrics } from '../expose/cumulative-metrics.ts';
import { Exposition } from '../expose/exposition.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';

/** What an {@link AgentExposition} is made of. */
export interface AgentExpositionOptions {
  readonly clock: Clock;
  readonly origin: Origin;
  readonly startedAt: EpochMs;
  /** AUTOPILOT_TOKEN; null: only what the control plane says opens it. */
  readonly token: string | null;
  readonly limits?: Partial<CumulativeLimits>;
  /** Told of a failure of our own. */
  readonly onTrouble: (message: string) => void;
}

/** One request for /metrics. */
export interface ScrapeRequest {
  readonly authorization: string | null;
  readonly accept: string | null;
  readonly acceptEncoding: string | null;
  /** The address after its "?". */
  readonly search: string;
}

/** What to answer it with. */
export interface ScrapeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

const REALM = 'Bearer realm="autopilot"';
const MAX_SEARCH_LENGTH = 1024;
const MAX_TOKENS = 1000;

/** Answers GET /metrics in the application's own process, for this instance, also while no control plane is there. */
export class AgentExposition {
  readonly #options: AgentExpositionOptions;
  readonly #metrics: CumulativeMetrics;
  readonly #exposition: Exposition;
  readonly #given: TokenVerifier;
  #told: TokenVerifier | null = null;

  constructor(options: AgentExpositionOptions) {
    this.#options = options;
    this.#metrics = new CumulativeMetrics(options.limits);
    this.#exposition = new Exposition(options.clock);
    this.#given = new TokenVerifier(
      options.token === null ? [] : [{ id: 'administrator', token: options.token, scopes: ['read'] }],
    );
  }

  /** Adds windows that have closed, each once. */
  add(windows: readonly Window[]): void {
    this.#metrics.add(windows);
  }

  /** The tokens that the control plane knows, in place of those it said before. */
  learnTokens(tokens: readonly TokenDigest[]): void {
    const isDigest = ({ id, sha256, scopes }: TokenDigest): boolean =>
      typeof id === 'string' && typeof sha256 === 'string' && Array.isArray(scopes);
    this.#told = TokenVerifier.ofDigests(tokens.slice(0, MAX_TOKENS).filter(isDigest));
  }

  /** Never rejects. */
  async answer(request: ScrapeRequest): Promise<ScrapeAnswer> {
    try {
      this.#admit(request.authorization);
      const { origin, startedAt } = this.#options;
      const { headers, body } = await this.#exposition.scrape({
        accept: request.accept,
        acceptEncoding: request.acceptEncoding,
        ...densityOf(request.search),
        sources: () => [{ origin, startedAt, metrics: this.#metrics, attributes: [] }],
      });
      return { status: 200, headers, body };
    } catch (error) {
      return this.#refusal(error);
    }
  }

  /** @throws AutopilotError when the caller may not read. */
  #admit(authorization: string | null): void {
    const token = /^Bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      throw new AutopilotError('AP_UNAUTHENTICATED', 'Metrics are read with a token.', {
        remedy: 'Send "Authorization: Bearer <token>" with the token in AUTOPILOT_TOKEN, or one of the control plane.',
      });
    }
    const principal = this.#given.verify(token) ?? this.#told?.verify(token) ?? null;
    if (principal === null && this.#told === null) {
      throw new AutopilotError(
        'AP_CONTROL_PLANE_UNAVAILABLE',
        'No control plane has said yet which tokens are good, and this is not the one in AUTOPILOT_TOKEN.',
        { remedy: 'Try again in a moment, or set AUTOPILOT_TOKEN for the application.' },
      );
    }
    if (principal === null) {
      throw new AutopilotError('AP_UNAUTHENTICATED', 'The Authorization header holds a token that is not known here.', {
        remedy: 'Use the token in AUTOPILOT_TOKEN, or the one that the control plane printed when it started.',
      });
    }
    if (!hasScope(principal.scopes, 'read')) {
      throw new AutopilotError('AP_FORBIDDEN', `This call needs the scope "read"; ${principal.id} does not have it.`);
    }
  }

  #refusal(error: unknown): ScrapeAnswer {
    let problem: Problem;
    if (error instanceof AutopilotError && isErrorCode(error.code)) {
      problem = problemOf(error.code, error.message, error.remedy === undefined ? {} : { remedy: error.remedy });
    } else {
      this.#options.onTrouble(`The metrics could not be written: ${messageOf(error)}`);
      problem = problemOf('AP_INTERNAL', 'The metrics could not be written for a reason that is not the caller’s.');
    }
    return {
      status: problem.status,
      headers: {
        'content-type': 'application/problem+json',
        'cache-control': 'no-store',
        ...(problem.status === errorTable.AP_UNAUTHENTICATED.status ? { 'www-authenticate': REALM } : {}),
        ...(problem.status === 503 ? { 'retry-after': '5' } : {}),
      },
      body: JSON.stringify(problem),
    };
  }
}

/** @throws AutopilotError AP_PARAMETER_UNKNOWN, AP_PARAMETER_INVALID */
function densityOf(search: string): { density?: number } {
  const parameters = new URLSearchParams(search.slice(0, MAX_SEARCH_LENGTH));
  for (const name of parameters.keys()) {
    if (name === 'bucketsPerOctave') continue;
    throw new AutopilotError(
      'AP_PARAMETER_UNKNOWN',
      `${JSON.stringify(name.slice(0, 100))} is no parameter of /metrics.`,
      {
        remedy: 'It takes bucketsPerOctave, or nothing.',
      },
    );
  }
  const density = parameters.get('bucketsPerOctave');
  return density === null ? {} : { density: Number(density) };
}
