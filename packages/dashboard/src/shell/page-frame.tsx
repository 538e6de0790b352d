import { useMantineColorScheme } from '@mantine/core';
import { type ReactElement, useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { usePathname } from 'wouter/use-browser-location';
import { useLiveDashboard } from '../live/live-dashboard.tsx';
import { OverviewPage } from '../overview/overview-page.tsx';
import { RoutePage } from '../route/route-page.tsx';
import { onTokenChange, readToken } from '../session/token.ts';
import { placeOf } from './address.ts';
import { InstanceBanners } from './instance-banners.tsx';
import { PageHeader } from './page-header.tsx';
import { arrive, goTo, PageLink } from './page-link.tsx';
import { RefusedPage } from './refused-page.tsx';
import type { Shortcut } from './shortcuts.ts';
import { ShortcutsDialog } from './shortcuts-dialog.tsx';
import { StaleBanner } from './stale-banner.tsx';
import { useShortcuts } from './use-shortcuts.ts';
import './shell.css';
import './message-panel.css';

/** What stays around every page, and the page that the address names. */
export function PageFrame(): ReactElement {
  const live = useLiveDashboard();
  const { document: dashboard, freshness, restart, selection } = live;
  const pathname = usePathname();
  const hasToken = useSyncExternalStore(onTokenChange, readToken) !== null;
  const [isHelpOpen, setHelpOpen] = useState(false);
  const { toggleColorScheme } = useMantineColorScheme();
  const act = useCallback(
    (shortcut: Shortcut) => {
      switch (shortcut) {
        case 'help':
          return setHelpOpen(true);
        case 'overview':
          return goTo('/');
        case 'routes':
          return goTo('/#routes');
        case 'queries':
          return goTo('/#queries');
        case 'scheme':
          return toggleColorScheme();
        case 'filter':
          return focusFilter();
      }
    },
    [toggleColorScheme],
  );
  const { isOn, setOn } = useShortcuts(act);
  const place = placeOf(pathname);

  // An address with a part, opened from outside: the part exists once the first document is drawn.
  const isDrawn = dashboard !== undefined;
  useEffect(() => {
    if (isDrawn && location.hash !== '') arrive();
  }, [isDrawn]);

  return (
    <>
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      <PageHeader
        dashboard={dashboard}
        freshness={freshness}
        selection={selection}
        hasToken={hasToken}
        onShortcuts={() => setHelpOpen(true)}
      />
      <main id="content" tabIndex={-1} data-freshness={freshness.state}>
        {freshness.state === 'refused' ? (
          <RefusedPage failure={freshness.failure} onRetry={restart} />
        ) : (
          <>
            <StaleBanner freshness={freshness} onRetry={restart} />
            {freshness.state === 'live' && dashboard !== undefined && (
              <InstanceBanners instances={dashboard.instances} />
            )}
            {place.page === 'overview' && <OverviewPage />}
            {place.page === 'route' && <RoutePage key={place.route} route={place.route} />}
            {place.page === 'unknown' && <UnknownPage />}
          </>
        )}
      </main>
      <footer className="page-footer">
        <span>Times are in {Intl.DateTimeFormat().resolvedOptions().timeZone}</span>
        <a href="/api/v1/docs">API</a>
      </footer>
      <ShortcutsDialog isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} isOn={isOn} setOn={setOn} />
    </>
  );
}

function UnknownPage(): ReactElement {
  return (
    <section className="message-panel">
      <h1 tabIndex={-1}>There is no such page</h1>
      <p>
        The dashboard has an <PageLink to="/">overview</PageLink> and a page for each route.
      </p>
    </section>
  );
}

/** The filter is on the overview: from another page it takes a moment to be there. */
function focusFilter(): void {
  const find = (): HTMLElement | null => document.getElementById('route-filter');
  if (find() === null) goTo('/#routes');
  requestAnimationFrame(() => requestAnimationFrame(() => find()?.focus()));
}
