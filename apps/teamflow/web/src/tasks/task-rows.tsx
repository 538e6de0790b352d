import { type ReactElement, useRef } from 'react';
import { Link } from 'wouter';
import { useProjects } from '../api/queries.ts';
import type { TaskSummary } from '../api/wire.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { useShortcut } from '../shell/shortcuts.ts';
import { Avatar } from '../ui/avatar.tsx';
import { PriorityMark, StatusMark } from '../ui/task-marks.tsx';
import { DueDay } from './due-day.tsx';
import './task-rows.css';

interface TaskRowsProps {
  readonly tasks: readonly TaskSummary[];
  /** Where tasks of several projects are mixed. */
  readonly showsProject: boolean;
}

/** Tasks one below the other; j and k go from one to the next. */
export function TaskRows({ tasks, showsProject }: TaskRowsProps): ReactElement {
  const list = useRef<HTMLUListElement>(null);
  const { id } = useOrganization();
  const projects = useProjects(id, { limit: 200 });
  const names = new Map(showsProject ? projects.data?.items.map((one) => [one.id, one.name]) : []);
  const step = (by: number) => () => {
    const links = [...(list.current?.querySelectorAll<HTMLAnchorElement>('a.task-title') ?? [])];
    const now = links.findIndex((link) => link === document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, now + by))]?.focus();
  };
  useShortcut('j', step(1));
  useShortcut('k', step(-1));
  return (
    <ul className="card task-rows" ref={list}>
      {tasks.map((task) => (
        <TaskRow key={task.id} task={task} projectName={names.get(task.projectId)} />
      ))}
    </ul>
  );
}

interface TaskRowProps {
  readonly task: TaskSummary;
  readonly projectName: string | undefined;
}

function TaskRow({ task, projectName }: TaskRowProps): ReactElement {
  const { slug } = useOrganization();
  return (
    <li>
      <PriorityMark priority={task.priority} />
      <StatusMark status={task.status} />
      <span className="task-main">
        <Link href={organizationAddress(slug, `/tasks/${task.id}`)} className="task-title">
          {task.title}
        </Link>
        {task.labels.map((label) => (
          <span key={label} className="chip">
            {label}
          </span>
        ))}
        {projectName !== undefined && <span className="task-project">{projectName}</span>}
      </span>
      <DueDay task={task} />
      <span className="task-person" title={task.assigneeName ?? 'Nobody'}>
        <Avatar name={task.assigneeName} />
        <span className="visually-hidden">{task.assigneeName ?? 'Nobody'}</span>
      </span>
    </li>
  );
}
