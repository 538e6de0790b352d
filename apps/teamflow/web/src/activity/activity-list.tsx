import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { Activity } from '../api/wire.ts';
import { agoText, momentText } from '../format/time.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { Avatar } from '../ui/avatar.tsx';
import { deedText } from './deed-text.ts';
import './activity.css';

interface ActivityListProps {
  readonly items: readonly Activity[];
  /** Where they are about several tasks: each with a link to its own. */
  readonly hasLinks: boolean;
}

/** What happened, newest first. */
export function ActivityList({ items, hasLinks }: ActivityListProps): ReactElement {
  return (
    <ol className="activity-list">
      {items.map((item) => {
        const subject = hasLinks ? subjectOf(item) : null;
        // Who has made something is told with its name of now, not with that of then beside it.
        const isNamed = subject !== null && item.kind.endsWith('.created');
        return (
          <li key={item.id}>
            <Avatar name={item.actorName} />
            <span className="activity-text">
              <strong>{item.actorName ?? 'A former member'}</strong>{' '}
              {deedText(isNamed ? { ...item, detail: {} } : item)}
              {subject !== null && <SubjectLink {...subject} />}
            </span>
            <time dateTime={item.createdAt} title={momentText(item.createdAt)}>
              {agoText(item.createdAt)}
            </time>
          </li>
        );
      })}
    </ol>
  );
}

interface Subject {
  readonly path: string;
  readonly name: string;
}

/** What it was about, while that is there. */
function subjectOf({ kind, taskId, taskTitle, projectId, projectName }: Activity): Subject | null {
  if (kind.endsWith('.deleted')) return null;
  if (taskId !== null) return taskTitle === null ? null : { path: `/tasks/${taskId}`, name: taskTitle };
  return projectName === null ? null : { path: `/projects/${projectId}`, name: projectName };
}

function SubjectLink({ path, name }: Subject): ReactElement {
  const { slug } = useOrganization();
  return (
    <>
      {' · '}
      <Link href={organizationAddress(slug, path)}>{name}</Link>
    </>
  );
}
