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
      {items.map((item) => (
        <li key={item.id}>
          <Avatar name={item.actorName} />
          <span className="activity-text">
            <strong>{item.actorName ?? 'A former member'}</strong> {deedText(item)}
            {hasLinks && <Subject item={item} />}
          </span>
          <time dateTime={item.createdAt} title={momentText(item.createdAt)}>
            {agoText(item.createdAt)}
          </time>
        </li>
      ))}
    </ol>
  );
}

function Subject({ item: { kind, taskId, projectId } }: { readonly item: Activity }): ReactElement | null {
  const { slug } = useOrganization();
  if (kind.endsWith('.deleted')) return null;
  if (taskId !== null) {
    return (
      <>
        {' · '}
        <Link href={organizationAddress(slug, `/tasks/${taskId}`)}>Task {taskId}</Link>
      </>
    );
  }
  if (projectId === null) return null;
  return (
    <>
      {' · '}
      <Link href={organizationAddress(slug, `/projects/${projectId}`)}>Project</Link>
    </>
  );
}
