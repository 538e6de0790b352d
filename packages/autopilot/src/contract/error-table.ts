/** What an error code answers over HTTP. */
export interface ErrorDefinition {
  readonly status: number;
  readonly title: string;
}

const table = {
  AP_INTERNAL: { status: 500, title: 'Something failed inside the autopilot' },
  AP_NOT_FOUND: { status: 404, title: 'There is nothing at this address' },
  AP_ADDRESS_INVALID: { status: 400, title: 'The address can not be used' },
  AP_METHOD_NOT_ALLOWED: { status: 405, title: 'This address does not take this method' },
  AP_UNAUTHENTICATED: { status: 401, title: 'Sign in, or send a token' },
  AP_FORBIDDEN: { status: 403, title: 'The scope of this sign-in does not allow this' },
  AP_PARAMETER_UNKNOWN: { status: 400, title: 'A parameter is not known here' },
  AP_PARAMETER_INVALID: { status: 400, title: 'A parameter has a value that is not allowed' },
  AP_BODY_INVALID: { status: 400, title: 'The body can not be used' },
  AP_BODY_TOO_LARGE: { status: 413, title: 'The body is larger than allowed' },
  AP_ADDRESS_TOO_LONG: { status: 414, title: 'The address is longer than allowed' },
  AP_NOT_ACCEPTABLE: { status: 406, title: 'None of the accepted media types can be made' },
  AP_PAGE_CURSOR_INVALID: { status: 400, title: 'The page cursor can not be used' },
  AP_SERVICE_UNKNOWN: { status: 404, title: 'This service is not known' },
  AP_SERIES_UNKNOWN: { status: 404, title: 'Nothing was measured under this name' },
  AP_RANGE_INVALID: { status: 400, title: 'The range of time can not be answered' },
  AP_CONTROL_PLANE_UNAVAILABLE: { status: 503, title: 'The control plane does not answer' },
  AP_CONTROL_PLANE_CLOSING: { status: 503, title: 'The control plane is closing' },
  AP_OVERLOADED: { status: 503, title: 'The service has more to do than it can do in time' },
  AP_RATE_LIMITED: { status: 429, title: 'Too many requests within a minute' },
  AP_CROSS_SITE: { status: 403, title: 'This call does not come from a page of this site' },
  AP_TOO_MANY_STREAMS: { status: 429, title: 'Too many live streams are open' },
  AP_EXPOSITION_BUSY: { status: 503, title: 'Too many scrapes at once' },
  AP_HISTOGRAM_INVALID: { status: 500, title: 'An encoded histogram can not be read' },
  AP_LOAD_PLAN_INVALID: { status: 400, title: 'The load plan can not be run' },
  AP_LOAD_TARGET_REFUSED: { status: 403, title: 'This target may not be load tested' },
  AP_LOAD_RESULTS_DIFFER: { status: 400, title: 'These results are not of one load test' },
  AP_LOAD_WORKER_FAILED: { status: 500, title: 'The load generator broke' },
  AP_LOAD_TEST_RUNNING: { status: 409, title: 'A load test is running already' },
  AP_LOAD_TEST_UNKNOWN: { status: 404, title: 'There is no such load test' },
  AP_LOAD_STORE_UNAVAILABLE: { status: 503, title: 'Load tests can not be kept now' },
  AP_BENCHMARK_BUSY: { status: 409, title: 'A benchmark would measure other work' },
  AP_BENCHMARK_UNKNOWN: { status: 404, title: 'There is no such benchmark' },
  AP_JOB_UNKNOWN: { status: 404, title: 'There is no such job' },
  AP_LINK_REFUSED: { status: 401, title: 'The link is refused' },
  AP_LINK_CLOSED: { status: 410, title: 'This channel of the link has ended' },
  AP_LINK_PROTOCOL: { status: 500, title: 'Agent and control plane do not speak the same protocol' },
  AP_INSTANCE_NOT_LINKED: { status: 409, title: 'There is no such instance to ask' },
  AP_PROFILE_RUNNING: { status: 409, title: 'This instance is being profiled' },
  AP_PROFILE_UNKNOWN: { status: 404, title: 'There is no such profile' },
  AP_CONFIG_VERSION_REQUIRED: { status: 428, title: 'Say which version of the configuration the change is based on' },
  AP_CONFIG_STALE_VERSION: { status: 412, title: 'The configuration has been changed meanwhile' },
  AP_CONFIG_VERSION_UNKNOWN: { status: 404, title: 'There is no such version of the configuration' },
  AP_CONFIG_INVALID: { status: 422, title: 'The configuration would not be valid' },
  AP_CONFIG_REFUSED: { status: 409, title: 'An instance can not take this configuration' },
  AP_CONFIG_IMPORT_INVALID: { status: 400, title: 'The import can not be read' },
  AP_CONFIG_PRESET_UNKNOWN: { status: 404, title: 'There is no such preset' },
  AP_CONFIG_PRESET_INVALID: { status: 422, title: 'The preset can not be kept' },
  AP_CONFIG_STORE_UNAVAILABLE: { status: 503, title: 'The configuration can not be changed now' },
  AP_ACCESS_TOKENS_FULL: { status: 409, title: 'There are as many tokens as can be' },
  AP_ACCESS_TOKEN_UNKNOWN: { status: 404, title: 'There is no such token' },
  AP_ACCESS_STORE_UNAVAILABLE: { status: 503, title: 'Tokens and the audit log can not be had now' },
  AP_ORDER_REFUSED: { status: 409, title: 'A guard does not allow this change' },
  AP_TRIAL_SCOPE_TAKEN: { status: 409, title: 'Something is being tried there already' },
  AP_TRIAL_UNKNOWN: { status: 404, title: 'There is no such trial' },
  AP_TRIAL_ENDED: { status: 409, title: 'The trial has ended' },
  AP_RECOMMENDATION_UNKNOWN: { status: 404, title: 'There is no such recommendation' },
  AP_RECOMMENDATION_FIXED: { status: 409, title: 'The recommendation can not be applied by the autopilot' },
  AP_JOURNAL_UNAVAILABLE: { status: 503, title: 'The journal of changes can not be had now' },
  AP_MAINTENANCE_RUNNING: { status: 409, title: 'Maintenance of this database is under way' },
  AP_MAINTENANCE_FAILED: { status: 409, title: 'The maintenance was not done' },
  AP_TABLE_UNKNOWN: { status: 404, title: 'There is no such table' },
  AP_DATABASE_UNKNOWN: { status: 404, title: 'This database is not watched' },
  AP_STATEMENT_UNKNOWN: { status: 404, title: 'This statement is not known' },
  AP_PLAN_UNAVAILABLE: { status: 409, title: 'The statement has no plan that could be shown' },
  AP_ADVICE_RUNNING: { status: 409, title: 'Advice for this database is being worked out' },
  AP_DATABASE_UNREACHABLE: { status: 503, title: 'The database can not be reached' },
  AP_DATABASE_REFUSED: { status: 503, title: 'The database does not let the autopilot in' },
  AP_ENVIRONMENT_INVALID: { status: 500, title: 'An environment variable has a value that is not allowed' },
} as const;

/** A stable error code of the library. */
export type ErrorCode = keyof typeof table;

/** Every code that can reach a caller over HTTP, with its status. Codes that never do (a server that can't start) are declared where they are raised. */
export const errorTable: Readonly<Record<ErrorCode, ErrorDefinition>> = table;

/** RFC 9457 problem details, as `application/problem+json`. */
export interface Problem {
  /** `urn:autopilot:problem:` and the code in lower case. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  /** What happened, with the actual values. */
  readonly detail: string;
  /** What to do next. */
  readonly remedy?: string;
  /** The request's id, to find it in the log. */
  readonly instance?: string;
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(table, code);
}

export function problemOf(
  code: ErrorCode,
  detail: string,
  extra: { remedy?: string; instance?: string } = {},
): Problem {
  const { status, title } = errorTable[code];
  return { type: `urn:autopilot:problem:${code.toLowerCase()}`, title, status, code, detail, ...extra };
}
