import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { request, searchOf } from './request.ts';
import type { Activity, Listed, Member, Organization, Project, Summary, Task } from './wire.ts';

/** The address of an organization's part of the API. */
export function organizationPath(organizationId: string): string {
  return `/api/v1/organizations/${organizationId}`;
}

/** The reader's organizations; more than 200 are not looked for. */
export function useOrganizations(): UseQueryResult<Listed<Organization>> {
  return useQuery({
    queryKey: ['organizations'],
    queryFn: ({ signal }) => request<Listed<Organization>>('GET', '/api/v1/organizations?limit=200', { signal }),
    staleTime: 60_000,
  });
}

interface ProjectsQuery {
  readonly archived?: boolean;
  readonly cursor?: string | null;
  readonly limit?: number;
  /** Whether to ask how many there are. */
  readonly counted?: boolean;
}

export function useProjects(
  organizationId: string,
  query: ProjectsQuery = {},
  enabled: boolean = true,
): UseQueryResult<Listed<Project>> {
  const { archived = false, cursor = null, limit = 50, counted = false } = query;
  const search = searchOf({
    archived: archived ? 'true' : null,
    cursor,
    limit,
    count: counted ? 'true' : null,
  });
  return useQuery({
    queryKey: ['organization', organizationId, 'projects', search],
    queryFn: ({ signal }) =>
      request<Listed<Project>>('GET', `${organizationPath(organizationId)}/projects${search}`, { signal }),
    enabled,
    placeholderData: keepPreviousData,
  });
}

export function useProject(
  organizationId: string,
  projectId: number,
  enabled: boolean = true,
): UseQueryResult<Project> {
  return useQuery({
    queryKey: ['organization', organizationId, 'project', projectId],
    queryFn: ({ signal }) =>
      request<Project>('GET', `${organizationPath(organizationId)}/projects/${projectId}`, { signal }),
    enabled,
    staleTime: 60_000,
  });
}

export function useSummary(organizationId: string): UseQueryResult<Summary> {
  return useQuery({
    queryKey: ['organization', organizationId, 'summary'],
    queryFn: ({ signal }) => request<Summary>('GET', `${organizationPath(organizationId)}/summary`, { signal }),
  });
}

/** The first 200 members, for menus that name people. */
export function useMembers(organizationId: string): UseQueryResult<Listed<Member>> {
  return useQuery({
    queryKey: ['organization', organizationId, 'members', 'menu'],
    queryFn: ({ signal }) =>
      request<Listed<Member>>('GET', `${organizationPath(organizationId)}/members?limit=200`, { signal }),
    staleTime: 60_000,
  });
}

/** Under which a task is kept. */
export const taskKey = (organizationId: string, taskId: number): readonly unknown[] => [
  'organization',
  organizationId,
  'task',
  taskId,
];

export function useTask(organizationId: string, taskId: number): UseQueryResult<Task> {
  return useQuery({
    queryKey: taskKey(organizationId, taskId),
    queryFn: ({ signal }) => request<Task>('GET', `${organizationPath(organizationId)}/tasks/${taskId}`, { signal }),
  });
}

/** What happened in the organization, or to one of its tasks, newest first. */
export function useActivity(
  organizationId: string,
  { taskId, cursor, limit, counted }: { taskId?: number; cursor?: string | null; limit: number; counted?: boolean },
): UseQueryResult<Listed<Activity>> {
  const path = taskId === undefined ? '/activity' : `/tasks/${taskId}/activity`;
  const search = searchOf({ cursor, limit, count: counted === true ? 'true' : null });
  return useQuery({
    queryKey: ['organization', organizationId, 'activity', taskId ?? null, search],
    queryFn: ({ signal }) =>
      request<Listed<Activity>>('GET', `${organizationPath(organizationId)}${path}${search}`, { signal }),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
}
