import { type ReactElement, useState } from 'react';
import { ActivityList } from '../activity/activity-list.tsx';
import { useActivity } from '../api/queries.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { Failure, Loading } from '../ui/states.tsx';

/** What happened to a task; the latest first, more when asked for. */
export function TaskActivity({ taskId }: { readonly taskId: number }): ReactElement {
  const [limit, setLimit] = useState(10);
  const activity = useActivity(useOrganization().id, { taskId, limit });
  return (
    <section className="task-section" aria-labelledby="activity-title">
      <h2 id="activity-title">Activity</h2>
      {activity.isError ? (
        <Failure error={activity.error} onRetry={() => void activity.refetch()} />
      ) : activity.data === undefined ? (
        <Loading />
      ) : (
        <>
          {activity.data.items.length === 0 ? (
            <p className="page-note">Nothing has happened to it yet.</p>
          ) : (
            <ActivityList items={activity.data.items} hasLinks={false} />
          )}
          {activity.data.page.next !== null && limit < 200 && (
            <button type="button" className="quiet-button framed" onClick={() => setLimit(200)}>
              Show more
            </button>
          )}
        </>
      )}
    </section>
  );
}
