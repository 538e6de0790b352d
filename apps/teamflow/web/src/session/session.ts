import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { meKey } from '../api/query-client.ts';
import { RequestError, request } from '../api/request.ts';
import type { Me } from '../api/wire.ts';

async function whoAmI(signal: AbortSignal): Promise<Me | null> {
  try {
    return await request<Me>('GET', '/api/v1/me', { signal });
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) return null;
    throw error;
  }
}

/** Who is signed in; null: nobody. */
export function useMe(): UseQueryResult<Me | null> {
  return useQuery({ queryKey: meKey, queryFn: ({ signal }) => whoAmI(signal), staleTime: 60_000 });
}

/** Whether people may make accounts for themselves; the server says so in the page. */
export function isSignUpOpen(): boolean {
  return document.querySelector<HTMLMetaElement>('meta[name="sign-up"]')?.content === 'open';
}

export interface SessionCalls {
  readonly signIn: (email: string, password: string) => Promise<void>;
  readonly signUp: (name: string, email: string, password: string) => Promise<void>;
  readonly signOut: () => Promise<void>;
}

/** Signing in and out. What was known of one person is forgotten before the next. */
export function useSessionCalls(): SessionCalls {
  const client = useQueryClient();
  const changed = async (): Promise<void> => {
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== meKey[0] });
    await client.refetchQueries({ queryKey: meKey });
  };
  return {
    signIn: async (email, password) => {
      await request('POST', '/api/auth/sign-in/email', { body: { email, password } });
      await changed();
    },
    signUp: async (name, email, password) => {
      await request('POST', '/api/auth/sign-up/email', { body: { name, email, password } });
      await changed();
    },
    signOut: async () => {
      await request('POST', '/api/auth/sign-out', { body: {} });
      client.clear();
      client.setQueryData(meKey, null);
    },
  };
}
