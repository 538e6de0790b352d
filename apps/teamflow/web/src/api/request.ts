/** A call that failed: what was answered, or that nothing was. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError';
  /** 0: there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

interface RequestOptions {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

function textIn(body: unknown, name: string): string | undefined {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function errorOf(response: Response): Promise<RequestError> {
  const body: unknown = await response.json().catch(() => null);
  const code = textIn(body, 'code') ?? `HTTP_${response.status}`;
  const said = textIn(body, 'detail') ?? textIn(body, 'message');
  if (response.status === 429) {
    const seconds = response.headers.get('retry-after') ?? '60';
    return new RequestError(429, code, `Too many attempts. Wait ${seconds} seconds and try again.`);
  }
  return new RequestError(response.status, code, said ?? `TeamFlow answered ${response.status}.`);
}

/**
 * Calls the API on the page's own origin, as whoever is signed in. `Answer` is what the operation's schema says.
 * @throws RequestError
 */
export async function request<Answer>(
  method: Method,
  path: string,
  { body, signal }: RequestOptions = {},
): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: 'application/json, application/problem+json', ...json(body) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new RequestError(0, 'NO_ANSWER', 'TeamFlow does not answer. Check the connection and try again.');
  }
  if (!response.ok) throw await errorOf(response);
  // The caller names what the route's schema gives; 204 has nothing, and its callers take nothing.
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

function json(body: unknown): Record<string, string> {
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

/** A query's text: names with several values repeat, those without a value are left out. */
export function searchOf(
  query: Readonly<Record<string, string | number | readonly string[] | null | undefined>>,
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue;
    if (typeof value === 'object') for (const one of value) search.append(name, one);
    else search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** What went wrong, in words for the reader. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether what was asked for is not there, or not for the reader. */
export function isMissing(error: unknown): boolean {
  return error instanceof RequestError && error.status === 404;
}
