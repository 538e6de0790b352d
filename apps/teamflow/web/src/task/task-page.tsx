import { Button } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { Link } from 'wouter';
import { useProject, useTask } from '../api/queries.ts';
import { isMissing } from '../api/request.ts';
import type { Me, Task } from '../api/wire.ts';
import { agoText, momentText } from '../format/time.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { useShortcut } from '../shell/shortcuts.ts';
import { BackIcon } from '../ui/icons.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Comments } from './comments.tsx';
import { DeleteTask } from './delete-task.tsx';
import { TaskActivity } from './task-activity.tsx';
import { TaskProperties } from './task-properties.tsx';
import { TaskTextForm } from './task-text-form.tsx';
import './task.css';

interface TaskPageProps {
  readonly me: Me;
  readonly taskId: number;
}

/** Everything about a task. */
export function TaskPage({ me, taskId }: TaskPageProps): ReactElement {
  const organization = useOrganization();
  const task = useTask(organization.id, taskId);
  usePageTitle(task.data?.title);
  if (task.data !== undefined) return <Shown me={me} task={task.data} />;
  if (!task.isError) return <Loading />;
  if (!isMissing(task.error)) return <Failure error={task.error} onRetry={() => void task.refetch()} />;
  return (
    <div className="card">
      <Empty
        title="This task is not there"
        isPage
        actions={<Link href={organizationAddress(organization.slug, '/tasks')}>Go to all tasks</Link>}
      >
        It may have been deleted, or belongs to another organization.
      </Empty>
    </div>
  );
}

function Shown({ me, task }: { readonly me: Me; readonly task: Task }): ReactElement {
  const { id, slug } = useOrganization();
  const project = useProject(id, task.projectId);
  const [isEditing, setEditing] = useState(false);
  useShortcut('e', () => setEditing(true));
  return (
    <>
      <Link href={organizationAddress(slug, `/projects/${task.projectId}`)} className="task-back">
        <BackIcon />
        {project.data?.name ?? 'Project'}
      </Link>
      <div className="task-columns">
        <div className="task-body">
          {isEditing ? (
            <TaskTextForm task={task} onClose={() => setEditing(false)} />
          ) : (
            <>
              <div className="page-head">
                <h1>{task.title}</h1>
                <div className="page-tools">
                  <Button variant="default" onClick={() => setEditing(true)}>
                    Edit
                  </Button>
                </div>
              </div>
              {task.description === '' ? (
                <p className="task-description none">No description.</p>
              ) : (
                <p className="task-description">{task.description}</p>
              )}
            </>
          )}
          <Comments me={me} task={task} />
          <TaskActivity taskId={task.id} />
        </div>
        <aside className="card task-side" aria-label="Properties of the task">
          <TaskProperties task={task} me={me} />
          <p className="task-made">
            Task {task.id}, made by {task.createdByName ?? 'a former member'}{' '}
            <time dateTime={task.createdAt} title={momentText(task.createdAt)}>
              {agoText(task.createdAt)}
            </time>
            , changed{' '}
            <time dateTime={task.updatedAt} title={momentText(task.updatedAt)}>
              {agoText(task.updatedAt)}
            </time>
          </p>
          <DeleteTask task={task} />
        </aside>
      </div>
    </>
  );
}
