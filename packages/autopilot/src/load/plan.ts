/**
 * What a load test does, as plain data: it goes to worker threads and other machines as it is, and one seed with one
 * plan gives the same requests wherever it runs. `planSchema` (plan-schema.ts) is the same format as JSON Schema.
 *
 * A template is a text with expressions in it, `${...}`; see expression.ts.
 */
export interface LoadPlan {
  readonly name: string;
  readonly description?: string;
  /** Origin that every request goes to, as "http://127.0.0.1:3000". */
  readonly target: string;
  /** Decides every random choice; default 1. */
  readonly seed?: number;
  readonly load: ArrivalLoad | ReplayLoad | UserLoad;
  /** Requests due in this first part are kept apart from the figures; default 0. */
  readonly warmupMs?: number;
  readonly http?: HttpOptions;
  /** Sent with every request; values are templates. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, DataSource>>;
  /** Done once by every user before the load begins (sign-in); what it takes lasts for the user's whole life. */
  readonly prepare?: readonly Step[];
  /** One is chosen by weight for each iteration. */
  readonly flows: readonly Flow[];
  /** Done once by every user after the load ended in order (sign-out); not after an abort. */
  readonly finish?: readonly Step[];
  readonly abort?: AbortLimits;
  /** What the result must show, as "p99 < 200" or "sign in: errorRatio < 0.1 %"; see threshold.ts. */
  readonly thresholds?: readonly string[];
}

/** How evenly arrivals come: at equal distances, or as independent users do (a Poisson process). */
export type Spacing = 'even' | 'poisson';

/** Open model: iterations begin when they are due, whether earlier ones have ended or not. */
export interface ArrivalLoad {
  readonly kind: 'arrivals';
  readonly stages: readonly RateStage[];
  /** Replace the rate of the stages for a while. */
  readonly spikes?: readonly RateSpike[];
  /** Default `even`. */
  readonly spacing?: Spacing;
  /** Most iterations under way at once; each user has a session and a connection of its own. */
  readonly users: number;
  /** Most arrivals that wait for a free user; more are dropped, counted, and end the run. Default: what comes in 10 s. */
  readonly maxWaiting?: number;
}

/** A time of constant rate, or of one that goes evenly to `toRatePerSecond`. */
export interface RateStage {
  readonly durationMs: number;
  readonly ratePerSecond: number;
  readonly toRatePerSecond?: number;
}

/** A burst on top of the stages. */
export interface RateSpike {
  readonly atMs: number;
  readonly durationMs: number;
  readonly ratePerSecond: number;
}

/** Open model with the shape of recorded traffic: each rate holds for `stepMs`. */
export interface ReplayLoad {
  readonly kind: 'replay';
  readonly ratesPerSecond: readonly number[];
  readonly stepMs: number;
  /** Multiplies every rate; default 1. */
  readonly rateFactor?: number;
  /** Default `poisson`. */
  readonly spacing?: Spacing;
  readonly users: number;
  readonly maxWaiting?: number;
}

/** Closed model: each user begins its next iteration when the one before has ended and the user has thought. */
export interface UserLoad {
  readonly kind: 'users';
  readonly stages: readonly UserStage[];
  /** Between two iterations of a user; default none. */
  readonly thinkMs?: ThinkTime;
}

/** A time with a constant number of users, or one that goes evenly to `toUsers`. */
export interface UserStage {
  readonly durationMs: number;
  readonly users: number;
  readonly toUsers?: number;
}

/** Fixed, uniform between two bounds, or exponential around a mean (cut at ten times the mean). */
export type ThinkTime = number | { readonly minMs: number; readonly maxMs: number } | { readonly meanMs: number };

/** How the requests travel. */
export interface HttpOptions {
  /** Default 1, which is HTTP/1.1. 2 is by TLS (ALPN) to an https target and by prior knowledge to an http one. */
  readonly version?: 1 | 2;
  /** How long a response may take from the moment its request is sent; default 10,000. */
  readonly timeoutMs?: number;
  /** False opens a connection for each request. Default true. */
  readonly keepAlive?: boolean;
  /** Redirects of a step that are followed, to the target's own origin only; default 0. */
  readonly maxRedirects?: number;
  /** False takes any certificate; for targets with a self-signed one. Default true. */
  readonly verifyCertificate?: boolean;
  /** PEM text of certificates to trust beside the built-in ones. */
  readonly certificateAuthority?: string;
}

/** Rows that expressions read by the source's name. `user`: a row for each user, `sequence`: a row for each iteration, `random`: one drawn for each iteration. */
export interface DataSource {
  /** CSV (with a header line), JSON (an array) or JSON lines, relative to the plan's file. */
  readonly file?: string;
  /** The rows themselves, instead of a file. */
  readonly rows?: readonly DataValue[];
  /** Default `sequence`. */
  readonly pick?: 'user' | 'sequence' | 'random';
}

/** A JSON value. */
export type DataValue =
  | string
  | number
  | boolean
  | null
  | readonly DataValue[]
  | { readonly [field: string]: DataValue };

/** What a user does from beginning to end. A step that fails ends it; steps whose values are missing are left out. */
export interface Flow {
  readonly name: string;
  /** Share of the iterations, relative to the other flows; default 1. */
  readonly weight?: number;
  readonly steps: readonly Step[];
  /** Done at the end of every iteration, also of one that failed: takes away what the steps made. */
  readonly cleanUp?: readonly Step[];
}

/** One request, what is expected of its response, and what is taken from it. */
export interface Step {
  /** Names the step in the results; equal names are counted together. */
  readonly name: string;
  /** Default GET. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  /** Begins with "/"; a template whose values are percent-encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: StepBody;
  readonly expect?: Expectation;
  /** Values for later steps, by name. */
  readonly take?: Readonly<Record<string, TakeSource>>;
  /** How likely the step is done, 0 to 1; default 1. */
  readonly chance?: number;
  /** The user's pause after it. */
  readonly thinkMs?: ThinkTime;
}

/** Exactly one of them; strings in it are templates. `form` is sent URL-encoded. */
export interface StepBody {
  readonly json?: DataValue;
  readonly text?: string;
  readonly form?: Readonly<Record<string, string>>;
  /** Default by kind: application/json, text/plain, application/x-www-form-urlencoded. */
  readonly contentType?: string;
}

/** Checks; one that fails makes the request a failed one. */
export interface Expectation {
  /** Default: 200 to 399. */
  readonly status?: number | readonly number[];
  /** A text the body holds; a template. */
  readonly includes?: string;
  /** JSON path to the value that must be there; strings are templates. */
  readonly json?: Readonly<Record<string, string | number | boolean | null>>;
  /** A text the header's value holds, by header name. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a value is taken from: exactly one of `json` (a path, see json-path.ts), `header`, `cookie`. */
export interface TakeSource {
  readonly json?: string;
  readonly header?: string;
  readonly cookie?: string;
  /** True: no failure when it is not there. Default false. */
  readonly optional?: boolean;
}

/** When the run ends itself, within a second. Ratios and latencies are of the last second, at least 20 requests. */
export interface AbortLimits {
  /** Share of requests that failed or timed out, 0 to 1; default 0.5. 1 switches it off. */
  readonly errorRatio?: number;
  /** Response times; requests still under way count with the time they have taken so far. */
  readonly p95Ms?: number;
  readonly p99Ms?: number;
  /** Longest that an arrival may wait for a free user: beyond it the asked rate can't be reached. Default 10,000. */
  readonly waitMs?: number;
  /** The target's own figures, read by the probe given to `runLoad`; without one, or when it falls silent, the run ends too. */
  readonly eventLoopDelayMs?: number;
  readonly cpuCores?: number;
  readonly rssBytes?: number;
  readonly databaseConnections?: number;
}

/** Carries the run's id on every request, so that the target can tell test traffic from its users'. */
export const LOAD_TEST_HEADER = 'x-autopilot-load-test';

/** What `HttpOptions` leaves out. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** Gives a plan written in TypeScript its type, and completion in the editor. */
export function definePlan(plan: LoadPlan): LoadPlan {
  return plan;
}
