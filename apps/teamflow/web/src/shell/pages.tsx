import { lazy, type ReactElement } from 'react';
import { Link, Redirect, Route, Switch } from 'wouter';
import type { Me, Organization } from '../api/wire.ts';
import { OrganizationProvider, organizationAddress } from '../organizations/organization.tsx';
import { Empty } from '../ui/states.tsx';
import { usePageTitle } from './page-title.ts';

// Each page is loaded when it is first opened.
const OrganizationsPage = lazy(async () => ({
  default: (await import('../organizations/organizations-page.tsx')).OrganizationsPage,
}));
const ProjectsPage = lazy(async () => ({ default: (await import('../projects/projects-page.tsx')).ProjectsPage }));
const TaskListPage = lazy(async () => ({ default: (await import('../tasks/task-list-page.tsx')).TaskListPage }));
const BoardPage = lazy(async () => ({ default: (await import('../board/board-page.tsx')).BoardPage }));
const TaskPage = lazy(async () => ({ default: (await import('../task/task-page.tsx')).TaskPage }));
const ActivityPage = lazy(async () => ({ default: (await import('../activity/activity-page.tsx')).ActivityPage }));
const NotificationsPage = lazy(async () => ({
  default: (await import('../notifications/notifications-page.tsx')).NotificationsPage,
}));
const MembersPage = lazy(async () => ({ default: (await import('../members/members-page.tsx')).MembersPage }));
const InvitationPage = lazy(async () => ({
  default: (await import('../members/invitation-page.tsx')).InvitationPage,
}));
const AccountPage = lazy(async () => ({ default: (await import('../account/account-page.tsx')).AccountPage }));
const UsersPage = lazy(async () => ({ default: (await import('../admin/users-page.tsx')).UsersPage }));
const UserPage = lazy(async () => ({ default: (await import('../admin/user-page.tsx')).UserPage }));
const AuditPage = lazy(async () => ({ default: (await import('../admin/audit-page.tsx')).AuditPage }));
const UsagePage = lazy(async () => ({ default: (await import('../admin/usage-page.tsx')).UsagePage }));
const OrganizationPage = lazy(async () => ({
  default: (await import('../admin/organization-page.tsx')).OrganizationPage,
}));

interface PagesProps {
  readonly me: Me;
  readonly organizations: readonly Organization[];
  /** Where the front page leads; undefined: the reader belongs nowhere yet. */
  readonly fallback: Organization | undefined;
}

/** Which page an address is. */
export function Pages({ me, organizations, fallback }: PagesProps): ReactElement {
  return (
    <Switch>
      <Route path="/">
        <Redirect to={fallback === undefined ? '/organizations' : organizationAddress(fallback.slug)} replace />
      </Route>
      <Route path="/organizations">
        <OrganizationsPage organizations={organizations} />
      </Route>
      <Route path="/invitations/:invitationId">
        {({ invitationId }) => <InvitationPage me={me} invitationId={invitationId} />}
      </Route>
      <Route path="/account">
        <AccountPage me={me} />
      </Route>
      <Route path="/admin/*">{me.role === 'admin' ? <AdminPages me={me} /> : <NotFound />}</Route>
      <Route path="/o/:slug/*?">
        {({ slug }) => {
          const organization = organizations.find((one) => one.slug === decoded(slug));
          if (organization === undefined) return <NotFound />;
          return (
            <OrganizationProvider organization={organization} key={organization.id}>
              <OrganizationPages me={me} />
            </OrganizationProvider>
          );
        }}
      </Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function OrganizationPages({ me }: { readonly me: Me }): ReactElement {
  return (
    <Switch>
      <Route path="/o/:slug">
        <ProjectsPage />
      </Route>
      <Route path="/o/:slug/tasks">
        <TaskListPage me={me} />
      </Route>
      <Route path="/o/:slug/projects/:projectId">
        {({ projectId }) => <TaskListPage me={me} projectId={Number(projectId)} key={projectId} />}
      </Route>
      <Route path="/o/:slug/projects/:projectId/board">
        {({ projectId }) => <BoardPage projectId={Number(projectId)} key={projectId} />}
      </Route>
      <Route path="/o/:slug/tasks/:taskId">
        {({ taskId }) => <TaskPage me={me} taskId={Number(taskId)} key={taskId} />}
      </Route>
      <Route path="/o/:slug/activity">
        <ActivityPage />
      </Route>
      <Route path="/o/:slug/notifications">
        <NotificationsPage />
      </Route>
      <Route path="/o/:slug/members">
        <MembersPage me={me} />
      </Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function AdminPages({ me }: { readonly me: Me }): ReactElement {
  return (
    <Switch>
      <Route path="/admin/users">
        <UsersPage />
      </Route>
      <Route path="/admin/users/:userId">{({ userId }) => <UserPage me={me} userId={userId} key={userId} />}</Route>
      <Route path="/admin/audit">
        <AuditPage />
      </Route>
      <Route path="/admin/organizations">
        <UsagePage />
      </Route>
      <Route path="/admin/organizations/:organizationId">
        {({ organizationId }) => <OrganizationPage organizationId={organizationId} key={organizationId} />}
      </Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function NotFound(): ReactElement {
  usePageTitle('Not found');
  return (
    <Empty
      title="There is nothing here that you may see"
      isPage
      actions={<Link href="/organizations">Go to your organizations</Link>}
    >
      The address may be wrong, or what it names is gone or belongs to an organization that you are not a member of.
    </Empty>
  );
}
