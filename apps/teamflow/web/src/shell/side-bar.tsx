import type { ReactElement, ReactNode } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import type { Me, Organization } from '../api/wire.ts';
import { useUnreadCount } from '../notifications/notification-queries.ts';
import { organizationAddress } from '../organizations/organization.tsx';
import { useSessionCalls } from '../session/session.ts';
import { Avatar } from '../ui/avatar.tsx';
import {
  ActivityIcon,
  BellIcon,
  BuildingIcon,
  ChevronIcon,
  GaugeIcon,
  KeyboardIcon,
  LeaveIcon,
  PeopleIcon,
  PersonIcon,
  PlusIcon,
  ProjectsIcon,
  SearchIcon,
  ShieldIcon,
  TasksIcon,
} from '../ui/icons.tsx';
import { sayFailed } from '../ui/toasts.tsx';
import { showOverlay } from './overlay.ts';
import { SchemeSwitch } from './scheme-switch.tsx';
import '../notifications/notifications.css';

interface SideBarProps {
  readonly me: Me;
  readonly organization: Organization | undefined;
  readonly organizations: readonly Organization[];
}

/** The way to everywhere. */
export function SideBar({ me, organization, organizations }: SideBarProps): ReactElement {
  return (
    <div className="side-bar">
      <Link href="/organizations" className="organization-switch">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        <span>
          <strong>{organization?.name ?? 'TeamFlow'}</strong>
          <small>{organizations.length > 1 ? `${organizations.length} organizations` : 'Organizations'}</small>
        </span>
        <ChevronIcon />
      </Link>
      <div className="side-actions">
        <button type="button" className="quick-search-button" onClick={() => showOverlay({ kind: 'search' })}>
          <SearchIcon />
          Search
          <kbd>Ctrl K</kbd>
        </button>
        {organization !== undefined && (
          <button
            type="button"
            className="quiet-button framed"
            aria-label="New task"
            title="New task (c)"
            onClick={() => showOverlay({ kind: 'new-task' })}
          >
            <PlusIcon />
          </button>
        )}
      </div>
      <nav aria-label="Pages of TeamFlow">
        {organization !== undefined && <OrganizationLinks organization={organization} />}
        {me.role === 'admin' && (
          <>
            <h2 className="side-title">Installation</h2>
            <SideLink to="/admin/users" isStart icon={<ShieldIcon />}>
              Users
            </SideLink>
            <SideLink to="/admin/organizations" isStart icon={<BuildingIcon />}>
              Usage
            </SideLink>
            <SideLink to="/admin/audit" icon={<ActivityIcon />}>
              Audit log
            </SideLink>
            <a href="/autopilot/" className="side-link">
              <GaugeIcon />
              Autopilot dashboard
            </a>
          </>
        )}
      </nav>
      <SideFoot me={me} />
    </div>
  );
}

function OrganizationLinks({ organization }: { readonly organization: Organization }): ReactElement {
  const { id, slug } = organization;
  const unread = useUnreadCount(id);
  const to = (path: string): string => organizationAddress(slug, path);
  return (
    <>
      <SideLink to={to('')} alsoBelow={to('/projects')} icon={<ProjectsIcon />}>
        Projects
      </SideLink>
      <SideLink to={to('/tasks?assigneeId=me')} icon={<PersonIcon />}>
        My tasks
      </SideLink>
      <SideLink to={to('/tasks')} icon={<TasksIcon />}>
        All tasks
      </SideLink>
      <SideLink to={to('/activity')} icon={<ActivityIcon />}>
        Activity
      </SideLink>
      <SideLink to={to('/notifications')} icon={<BellIcon />}>
        Notifications
        {unread > 0 && (
          <span className="side-count">
            {unread < 100 ? unread : '99+'}
            <span className="visually-hidden"> unread</span>
          </span>
        )}
      </SideLink>
      <SideLink to={to('/members')} icon={<PeopleIcon />}>
        Members
      </SideLink>
    </>
  );
}

interface SideLinkProps {
  readonly to: string;
  readonly icon: ReactNode;
  /** Also current on what is below it. */
  readonly isStart?: boolean;
  readonly alsoBelow?: string;
  readonly children: ReactNode;
}

function SideLink({ to, icon, isStart = false, alsoBelow, children }: SideLinkProps): ReactElement {
  const [location] = useLocation();
  const search = useSearch();
  const [path = '', query] = to.split('?');
  const isMine = new URLSearchParams(search).get('assigneeId') === 'me';
  const isHere = isStart ? location.startsWith(path) : location === path && isMine === (query !== undefined);
  const isCurrent = isHere || (alsoBelow !== undefined && location.startsWith(alsoBelow));
  return (
    <Link href={to} className="side-link" {...(isCurrent ? { 'aria-current': 'page' } : {})}>
      {icon}
      {children}
    </Link>
  );
}

function SideFoot({ me }: { readonly me: Me }): ReactElement {
  const { signOut } = useSessionCalls();
  return (
    <div className="side-foot">
      <Link href="/account" className="who">
        <Avatar name={me.name} isLarge />
        <span>
          <strong>{me.name}</strong>
          <small>Account and API keys</small>
        </span>
      </Link>
      <div className="side-tools">
        <SchemeSwitch />
        <button
          type="button"
          className="quiet-button"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={() => showOverlay({ kind: 'shortcuts' })}
        >
          <KeyboardIcon />
        </button>
        <button
          type="button"
          className="quiet-button"
          onClick={() => void signOut().catch((error: unknown) => sayFailed('You are still signed in.', error))}
        >
          <LeaveIcon />
          Sign out
        </button>
      </div>
    </div>
  );
}
