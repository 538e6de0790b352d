import type { ReactElement } from 'react';
import { useLocation, useSearch } from 'wouter';
import { useActivity } from '../api/queries.ts';
import { searchOf } from '../api/request.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { PagedList } from '../ui/paged-list.tsx';
import { Empty } from '../ui/states.tsx';
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
      <PagedList
        list={activity}
        noun="entry"
        plural="entries"
        onCursor={(to) => navigate(`${location}${searchOf({ cursor: to })}`)}
        empty={<Empty title="Nothing has happened yet">What members do with projects and tasks is told here.</Empty>}
      >
        {(items) => (
          <div className="card">
            <ActivityList items={items} hasLinks />
          </div>
        )}
      </PagedList>
    </>
  );
}
