import { keepPreviousData, type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { organizationPath } from '../api/queries.ts';
import { request, searchOf } from '../api/request.ts';
import type { Listed, Notification } from '../api/wire.ts';
import { sayFailed } from '../ui/toasts.tsx';

const LOOK_EVERY_MS = 60_000;

const keyOf = (organizationId: string): readonly unknown[] => ['organization', organizationId, 'notifications'];

export function useNotifications(organizationId: string, cursor: string | null): UseQueryResult<Listed<Notification>> {
  const search = searchOf({ cursor, limit: 50, count: 'true' });
  return useQuery({
    queryKey: [...keyOf(organizationId), search],
    queryFn: ({ signal }) =>
      request<Listed<Notification>>('GET', `${organizationPath(organizationId)}/notifications${search}`, { signal }),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
}

/** How many are not read, 100 for more; asked once a minute while somebody looks. */
export function useUnreadCount(organizationId: string): number {
  const { data } = useQuery({
    queryKey: [...keyOf(organizationId), 'unread'],
    queryFn: ({ signal }) =>
      request<{ readonly count: number }>('GET', `${organizationPath(organizationId)}/notifications/unread`, {
        signal,
      }),
    refetchInterval: LOOK_EVERY_MS,
  });
  return data?.count ?? 0;
}

/** Marks all up to one of them as read. */
export function useMarkRead(organizationId: string): {
  readonly isPending: boolean;
  readonly mutate: (upTo: number) => void;
} {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (upTo: number) =>
      request<void>('POST', `${organizationPath(organizationId)}/notifications/read`, { body: { upTo } }),
    onSuccess: () => client.invalidateQueries({ queryKey: keyOf(organizationId) }),
    onError: (error) => sayFailed('They are still unread.', error),
  });
}
