import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { organizationPath } from '../api/queries.ts';
import { request, searchOf } from '../api/request.ts';
import type { Listed, TaskSummary } from '../api/wire.ts';
import { parametersOf, type TaskFilter } from './task-filter.ts';

/** Rows of a page of tasks. */
const pageRows = 50;

/** The tasks that a filter leaves: a list in its order, or with words given a search with the best match first. */
export function useTaskList(
  organizationId: string,
  filter: TaskFilter,
  { projectId, myId }: { projectId: number | undefined; myId: string },
): UseQueryResult<Listed<TaskSummary>> {
  const search = searchOf({
    ...parametersOf(filter),
    assigneeId: filter.assigneeId === 'me' ? myId : filter.assigneeId,
    projectId,
    limit: pageRows,
    count: 'true',
  });
  const path = filter.q === '' ? '/tasks' : '/search';
  return useQuery({
    queryKey: ['organization', organizationId, 'tasks', path, search],
    queryFn: ({ signal }) =>
      request<Listed<TaskSummary>>('GET', `${organizationPath(organizationId)}${path}${search}`, { signal }),
    placeholderData: keepPreviousData,
  });
}
