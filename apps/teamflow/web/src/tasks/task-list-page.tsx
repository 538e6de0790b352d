import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { useProject } from '../api/queries.ts';
import { isMissing, searchOf } from '../api/request.ts';
import type { Me } from '../api/wire.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { MissingProject } from '../projects/missing-project.tsx';
import { ProjectHead } from '../projects/project-head.tsx';
import { showOverlay } from '../shell/overlay.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { useShortcut } from '../shell/shortcuts.ts';
import { PlusIcon } from '../ui/icons.tsx';
import { Pager } from '../ui/pager.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { FilterBar } from './filter-bar.tsx';
import { filterCount, filterOf, parametersOf, type TaskFilter } from './task-filter.ts';
import { useTaskList } from './task-queries.ts';
import { TaskRows } from './task-rows.tsx';

interface TaskListPageProps {
  readonly me: Me;
  /** Absent: the tasks of all projects. */
  readonly projectId?: number;
}

/** Tasks, filtered, sorted, searched and page by page. */
export function TaskListPage({ me, projectId }: TaskListPageProps): ReactElement {
  const filter = filterOf(useSearch());
  const [location, navigate] = useLocation();
  const { id } = useOrganization();
  const project = useProject(id, projectId ?? 0, projectId !== undefined);
  const isMine = projectId === undefined && filter.assigneeId === 'me';
  const title = isMine ? 'My tasks' : 'All tasks';
  usePageTitle(projectId === undefined ? title : project.data?.name);
  if (project.isError && isMissing(project.error)) return <MissingProject />;
  const change = (changes: Partial<TaskFilter>): void => {
    // Another filter starts at its first page.
    navigate(`${location}${searchOf(parametersOf({ ...filter, cursor: '', ...changes }))}`, {
      replace: changes.cursor === undefined,
    });
  };
  return (
    <>
      {projectId === undefined ? (
        <AllTasksHead title={title} />
      ) : (
        <ProjectHead projectId={projectId} project={project.data} view="list" />
      )}
      <FilterBar filter={filter} myId={me.id} onChange={change} />
      <TaskList me={me} projectId={projectId} filter={filter} onChange={change} />
    </>
  );
}

function AllTasksHead({ title }: { readonly title: string }): ReactElement {
  return (
    <div className="page-head">
      <h1>{title}</h1>
      <div className="page-tools">
        <Button leftSection={<PlusIcon />} onClick={() => showOverlay({ kind: 'new-task' })}>
          New task
        </Button>
      </div>
    </div>
  );
}

interface TaskListProps {
  readonly me: Me;
  readonly projectId: number | undefined;
  readonly filter: TaskFilter;
  readonly onChange: (changes: Partial<TaskFilter>) => void;
}

function TaskList({ me, projectId, filter, onChange }: TaskListProps): ReactElement {
  const organization = useOrganization();
  const list = useTaskList(organization.id, filter, { projectId, myId: me.id });
  const page = list.data?.page;
  const toPage = (cursor: string | null | undefined) => () => {
    if (typeof cursor === 'string' && !list.isPlaceholderData) onChange({ cursor });
  };
  useShortcut(']', toPage(page?.next));
  useShortcut('[', toPage(page?.previous));

  if (list.isError) return <Failure error={list.error} onRetry={() => void list.refetch()} />;
  if (list.data === undefined) return <Loading />;
  const { items } = list.data;
  if (items.length === 0) return <NoTasks filter={filter} projectId={projectId} onChange={onChange} />;
  return (
    <div className={list.isPlaceholderData ? 'is-stale' : ''}>
      <TaskRows tasks={items} showsProject={projectId === undefined} />
      <Pager
        page={list.data.page}
        shown={items.length}
        isStale={list.isPlaceholderData}
        noun="task"
        onCursor={(cursor) => onChange({ cursor })}
      />
    </div>
  );
}

function NoTasks({ filter, projectId, onChange }: Omit<TaskListProps, 'me'>): ReactElement {
  const { slug } = useOrganization();
  if (filterCount(filter) > 0) {
    const everything = { ...filterOf(''), sort: filter.sort };
    return (
      <div className="card">
        <Empty
          title="No task matches"
          actions={
            <Button variant="default" onClick={() => onChange(everything)}>
              Clear the filters
            </Button>
          }
        >
          Nothing is left with these filters. Take one away, or search for other words.
        </Empty>
      </div>
    );
  }
  return (
    <div className="card">
      <Empty
        title="No tasks yet"
        actions={
          <>
            <Button
              onClick={() => showOverlay({ kind: 'new-task', ...(projectId === undefined ? {} : { projectId }) })}
            >
              Make the first task
            </Button>
            {projectId === undefined && <Link href={organizationAddress(slug)}>Go to the projects</Link>}
          </>
        }
      >
        A task has a status, a priority, somebody who does it and a day it is due. Press <kbd>c</kbd> anywhere to make
        one.
      </Empty>
    </div>
  );
}
