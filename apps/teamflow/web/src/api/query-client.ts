import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { RequestError } from './request.ts';

/** The key under which who is signed in is kept; null: nobody. */
export const meKey = ['me'] as const;

function isWorthAnotherTry(count: number, error: unknown): boolean {
  return count < 2 && error instanceof RequestError && (error.status === 0 || error.status === 503);
}

/** Answers of the API, kept for a while. A session that has ended shows the sign-in, whichever call found out. */
export function createQueryClient(): QueryClient {
  const onError = (error: unknown): void => {
    if (error instanceof RequestError && error.status === 401) client.setQueryData(meKey, null);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: { queries: { retry: isWorthAnotherTry, staleTime: 10_000 }, mutations: { retry: false } },
  });
  return client;
}
