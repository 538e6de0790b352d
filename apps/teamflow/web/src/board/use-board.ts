import {
  type UseMutationResult,
  type UseQueryResult,
  useIsMutating,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { organizationPath } from '../api/queries.ts';
import { request } from '../api/request.ts';
import type { Board, Task } from '../api/wire.ts';
import { sayFailed } from '../ui/toasts.tsx';
import { moveCard, type Place } from './board-model.ts';

/** Cards of a column that are shown; the rest is in the list. */
const cardsPerColumn = 50;

function boardKey(organizationId: string, projectId: number): readonly unknown[] {
  return ['organization', organizationId, 'board', projectId];
}

/** The board of a project; read anew when nothing is being moved. */
export function useBoard(organizationId: string, projectId: number): UseQueryResult<Board> {
  const key = boardKey(organizationId, projectId);
  const isMoving = useIsMutating({ mutationKey: key }) > 0;
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      request<Board>(
        'GET',
        `${organizationPath(organizationId)}/projects/${projectId}/board?perColumn=${cardsPerColumn}`,
        { signal },
      ),
    enabled: !isMoving,
    staleTime: 0,
    refetchInterval: 30_000,
  });
}

export interface Move {
  readonly taskId: number;
  readonly place: Place;
}

/** Moves a card: seen at once, taken back when the service refuses. */
export function useMove(
  organizationId: string,
  projectId: number,
): UseMutationResult<Task, Error, Move, { readonly before: Board | undefined }> {
  const client = useQueryClient();
  const key = boardKey(organizationId, projectId);
  return useMutation({
    mutationKey: key,
    // One after the other: the place of a card is told by its neighbour's.
    scope: { id: key.join('/') },
    mutationFn: ({ taskId, place }: Move) =>
      request<Task>('POST', `${organizationPath(organizationId)}/tasks/${taskId}/move`, { body: place }),
    onMutate: async ({ taskId, place }) => {
      await client.cancelQueries({ queryKey: key });
      const before = client.getQueryData<Board>(key);
      if (before !== undefined) client.setQueryData(key, moveCard(before, taskId, place));
      return { before };
    },
    onError: (error, _move, context) => {
      client.setQueryData(key, context?.before);
      sayFailed('The card was put back.', error);
    },
    onSettled: () => {
      // Several moves under way: the last one of them reads the truth.
      if (client.isMutating({ mutationKey: key }) > 1) return;
      void client.invalidateQueries({ queryKey: ['organization', organizationId], refetchType: 'none' });
      void client.invalidateQueries({ queryKey: key });
    },
  });
}
