import type { Problem } from './contract/error-table.ts';

/** The API refused; `problem` says what, why and what to do. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  readonly problem: Problem;
  /** What the answer's Retry-After asks for; null when it asks for nothing. */
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, retryAfterMs: number | null = null) {
    super(`${problem.title}: ${problem.detail}`);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  get status(): number {
    return this.problem.status;
  }
}

/** What an answer that is no success says. */
export async function errorOf(response: Response): Promise<ApiError> {
  const retryAfter = response.headers.get('retry-after');
  const retryAfterMs = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : null;
  const body = await response.text().catch(() => '');
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) {
    try {
      // The server promises RFC 9457 by this media type.
      return new ApiError(JSON.parse(body) as Problem, retryAfterMs);
    } catch {
      // Cut short on its way: told below as it came.
    }
  }
  return new ApiError(
    {
      type: 'about:blank',
      title: response.statusText || `Status ${response.status}`,
      status: response.status,
      code: 'AP_ANSWER_UNREADABLE',
      detail: `Something on the way answered with status ${response.status}, not the autopilot: ${body.slice(0, 200)}`,
      remedy: 'Look at the proxy, or the address, between this page and the autopilot.',
    },
    retryAfterMs,
  );
}

/** Whether the same request can succeed later: overload, restarts and what stands between, but no refusal. */
export function retryOf(error: unknown): number | null {
  if (!(error instanceof ApiError)) return 0;
  const { status, retryAfterMs } = error;
  return status >= 500 || status === 408 || status === 429 ? (retryAfterMs ?? 0) : null;
}
