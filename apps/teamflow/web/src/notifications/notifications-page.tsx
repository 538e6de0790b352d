import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { organizationPath } from '../api/queries.ts';
import { searchOf } from '../api/request.ts';
import type { Notification } from '../api/wire.ts';
import { agoText, momentText } from '../format/time.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { Pager } from '../ui/pager.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { useMarkRead, useNotifications } from './notification-queries.ts';
import { notificationText } from './notification-text.ts';
import '../activity/activity.css';
import './notifications.css';

/** What the reader was told: due dates, digests, finished exports. */
export function NotificationsPage(): ReactElement {
  const organization = useOrganization();
  const [location, navigate] = useLocation();
  const cursor = new URLSearchParams(useSearch()).get('cursor');
  const notifications = useNotifications(organization.id, cursor);
  const read = useMarkRead(organization.id);
  usePageTitle('Notifications');
  const items = notifications.data?.items ?? [];
  const newest = items.find(({ readAt }) => readAt === null);
  return (
    <>
      <div className="page-head">
        <h1>Notifications</h1>
        <div className="page-tools">
          <Button
            variant="default"
            disabled={newest === undefined}
            loading={read.isPending}
            onClick={() => newest !== undefined && read.mutate(newest.id)}
          >
            Mark as read
          </Button>
        </div>
      </div>
      {notifications.isError ? (
        <Failure error={notifications.error} onRetry={() => void notifications.refetch()} />
      ) : notifications.data === undefined ? (
        <Loading />
      ) : items.length === 0 ? (
        <div className="card">
          <Empty title="You have not been told anything yet">
            Once a day you are told what is due, and what others did; and when a file that you asked for is made.
          </Empty>
        </div>
      ) : (
        <>
          <div className="card">
            <ol className="activity-list notifications">
              {items.map((item) => (
                <Row key={item.id} item={item} />
              ))}
            </ol>
          </div>
          <Pager
            page={notifications.data.page}
            shown={items.length}
            isStale={notifications.isPlaceholderData}
            noun="notification"
            onCursor={(to) => navigate(`${location}${searchOf({ cursor: to })}`)}
          />
        </>
      )}
    </>
  );
}

function Row({ item }: { readonly item: Notification }): ReactElement {
  const isUnread = item.readAt === null;
  return (
    <li className={isUnread ? 'unread' : undefined}>
      <span className="activity-text">
        {isUnread && <span className="unread-mark">New</span>}
        {notificationText(item)} <Subject item={item} />
      </span>
      <time dateTime={item.createdAt} title={momentText(item.createdAt)}>
        {agoText(item.createdAt)}
      </time>
    </li>
  );
}

/** Where it leads. A file is kept for a day, and says itself when it is gone. */
function Subject({ item: { kind, taskId, detail } }: { readonly item: Notification }): ReactElement | null {
  const { id, slug } = useOrganization();
  if (kind === 'export') {
    return <a href={`${organizationPath(id)}/exports/${String(detail['exportId'])}/file`}>Download</a>;
  }
  if (taskId !== null) return <Link href={organizationAddress(slug, `/tasks/${taskId}`)}>Task {taskId}</Link>;
  return <Link href={organizationAddress(slug, '/tasks?assigneeId=me')}>My tasks</Link>;
}
