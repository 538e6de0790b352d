import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { organizationPath, taskKey } from '../api/queries.ts';
import { request } from '../api/request.ts';
import type { Task } from '../api/wire.ts';
import { sayFailed } from '../ui/toasts.tsx';

export type TaskChanges = Partial<
  Pick<Task, 'title' | 'description' | 'status' | 'priority' | 'assigneeId' | 'dueOn' | 'labels'>
>;

/** Changes a task: seen at once, taken back when the service refuses. */
export function useTaskChanges(
  organizationId: string,
  taskId: number,
): UseMutationResult<Task, Error, TaskChanges, { readonly before: Task | undefined }> {
  const client = useQueryClient();
  const key = taskKey(organizationId, taskId);
  return useMutation({
    mutationFn: (changes: TaskChanges) =>
      request<Task>('PATCH', `${organizationPath(organizationId)}/tasks/${taskId}`, { body: changes }),
    onMutate: async (changes) => {
      await client.cancelQueries({ queryKey: key });
      const before = client.getQueryData<Task>(key);
      if (before !== undefined) client.setQueryData(key, { ...before, ...changes });
      return { before };
    },
    onError: (error, _changes, context) => {
      client.setQueryData(key, context?.before);
      sayFailed('The change was taken back.', error);
    },
    onSuccess: (task) => {
      client.setQueryData(key, task);
      void client.invalidateQueries({ queryKey: ['organization', organizationId], refetchType: 'active' });
    },
  });
}
