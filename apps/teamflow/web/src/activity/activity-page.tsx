import type { ReactElement } from 'react';
import { useLocation, useSearch } from 'wouter';
import { useActivity } from '../api/queries.ts';
import { searchOf } from '../api/request.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { Pager } from '../ui/pager.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { ActivityList } from './activity-list.tsx';

/** What happened in the organization. */
export function ActivityPage(): ReactElement {
  const organization = useOrganization();
  const [location, navigate] = useLocation();
  const cursor = new URLSearchParams(useSearch()).get('cursor');
  const activity = useActivity(organization.id, { cursor, limit: 50, counted: true });
  usePageTitle('Activity');
  return (
    <>
      <div className="page-head">
        <h1>Activity</h1>
      </div>
      {activity.isError ? (
        <Failure error={activity.error} onRetry={() => void activity.refetch()} />
      ) : activity.data === undefined ? (
        <Loading />
      ) : activity.data.items.length === 0 ? (
        <div className="card">
          <Empty title="Nothing has happened yet">What members do with projects and tasks is told here.</Empty>
        </div>
      ) : (
        <>
          <div className="card">
            <ActivityList items={activity.data.items} hasLinks />
          </div>
          <Pager
            page={activity.data.page}
            shown={activity.data.items.length}
            noun="entry"
            plural="entries"
            onCursor={(to) => navigate(`${location}${searchOf({ cursor: to })}`)}
          />
        </>
      )}
    </>
  );
}
