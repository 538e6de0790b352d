import { type ReactElement, Suspense, useEffect, useRef } from 'react';
import { useLocation, useRoute } from 'wouter';
import { useOrganizations } from '../api/queries.ts';
import type { Me, Organization } from '../api/wire.ts';
import { keepOrganization, lastOrganization, organizationAddress } from '../organizations/organization.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { Toasts } from '../ui/toasts.tsx';
import { ErrorCatcher } from './error-catcher.tsx';
import { showOverlay } from './overlay.ts';
import { Overlays } from './overlays.tsx';
import { Pages } from './pages.tsx';
import { useScheme } from './scheme-switch.tsx';
import { useShortcut } from './shortcuts.ts';
import { SideBar } from './side-bar.tsx';
import { TopBar } from './top-bar.tsx';
import './page-frame.css';

/** What is around every page of somebody who is signed in. */
export function PageFrame({ me }: { readonly me: Me }): ReactElement {
  const organizations = useOrganizations();
  const [, match] = useRoute<{ slug: string }>('/o/:slug/*?');
  const slug = match?.slug;
  const items = organizations.data?.items ?? [];
  // Outside of an organization's pages the way back is kept open.
  const current = items.find((one) => one.slug === slug) ?? remembered(items);
  useEffect(() => {
    if (slug !== undefined && current?.slug === slug) keepOrganization(slug);
  }, [slug, current]);
  useFrameShortcuts(current);
  const main = useArrival();

  return (
    <div className="frame">
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <TopBar organization={current} />
      <aside className="frame-side" aria-label="TeamFlow">
        <SideBar me={me} organization={current} organizations={items} />
      </aside>
      <main id="main" ref={main} tabIndex={-1}>
        {organizations.isError ? (
          <Failure error={organizations.error} onRetry={() => void organizations.refetch()} />
        ) : organizations.data === undefined ? (
          <Loading />
        ) : (
          <ErrorCatcher>
            <Suspense fallback={<Loading />}>
              <Pages me={me} organizations={items} fallback={remembered(items)} />
            </Suspense>
          </ErrorCatcher>
        )}
      </main>
      <Overlays me={me} organization={current} organizations={items} />
      <Toasts />
    </div>
  );
}

function remembered(organizations: readonly Organization[]): Organization | undefined {
  const last = lastOrganization();
  return organizations.find(({ slug }) => slug === last) ?? organizations[0];
}

function useFrameShortcuts(organization: Organization | undefined): void {
  const [, navigate] = useLocation();
  const { turn } = useScheme();
  const go = (path: string) => () => {
    if (organization !== undefined) navigate(organizationAddress(organization.slug, path));
  };
  useShortcut('Ctrl K', () => showOverlay({ kind: 'search' }));
  useShortcut('?', () => showOverlay({ kind: 'shortcuts' }));
  useShortcut('d', turn);
  useShortcut('c', () => {
    if (organization !== undefined) showOverlay({ kind: 'new-task' });
  });
  useShortcut('g p', go(''));
  useShortcut('g t', go('/tasks'));
  useShortcut('g m', go('/tasks?assigneeId=me'));
  useShortcut('g a', go('/activity'));
}

/** Moves sight and focus to a page that was navigated to, as a browser does after loading one. */
function useArrival(): React.RefObject<HTMLElement | null> {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const previous = useRef(location);
  useEffect(() => {
    if (previous.current === location) return;
    previous.current = location;
    showOverlay(null);
    scrollTo({ top: 0 });
    main.current?.focus({ preventScroll: true });
  }, [location]);
  return main;
}
