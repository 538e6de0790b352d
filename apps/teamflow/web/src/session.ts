/** Who is signed in, as GET /api/v1/me says. */
export interface Me {
  readonly name: string;
  readonly email: string;
  readonly role: 'admin' | 'user';
}

async function messageIn(response: Response): Promise<string> {
  if (response.status === 429) return 'Too many attempts. Wait a minute and try again.';
  const body: unknown = await response.json().catch(() => null);
  const said = typeof body === 'object' && body !== null && 'message' in body ? body.message : undefined;
  return typeof said === 'string' ? said : `The service answered ${response.status}.`;
}

/** Null: nobody. */
export async function whoAmI(signal: AbortSignal): Promise<Me | null> {
  const response = await fetch('/api/v1/me', { signal });
  if (response.status === 401) return null;
  if (!response.ok) throw new Error(await messageIn(response));
  return (await response.json()) as Me; // the shape that the service's schema gives
}

async function post(path: string, body: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await messageIn(response));
}

export function signIn(email: string, password: string): Promise<void> {
  return post('/api/auth/sign-in/email', { email, password });
}

export function signOut(): Promise<void> {
  return post('/api/auth/sign-out', {});
}
