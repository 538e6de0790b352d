import { useMantineColorScheme } from '@mantine/core';
import { Fragment, type ReactElement, useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { usePathname } from 'wouter/use-browser-location';
import { useLiveDashboard } from '../live/live-dashboard.tsx';
import { comparisons, DEFAULT_RANGE, moved, zoomedIn } from '../range/range.ts';
import { useRangeView, zoomOut } from '../range/range-view.tsx';
import { onTokenChange, readToken } from '../session/token.ts';
import { placeOf } from './address.ts';
import { DrawnPage } from './drawn-page.tsx';
import { InstanceBanners } from './instance-banners.tsx';
import { PageBar } from './page-bar.tsx';
import { PageHeader } from './page-header.tsx';
import { arrive, goTo, PageLink } from './page-link.tsx';
import { pages } from './pages.tsx';
import { ProblemPanel } from './problem-panel.tsx';
import { RefusedPage } from './refused-page.tsx';
import type { Shortcut } from './shortcuts.ts';
import { ShortcutsDialog } from './shortcuts-dialog.tsx';
import { StaleBanner } from './stale-banner.tsx';
import { select } from './use-selection.ts';
import { useShortcuts } from './use-shortcuts.ts';
import './shell.css';
import './message-panel.css';

/** What stays around every page, and the page that the address names. */
export function PageFrame(): ReactElement {
  const live = useLiveDashboard();
  const { document: dashboard, freshness, restart, selection } = live;
  const { bounds, failure, retry } = useRangeView();
  const { compare } = selection;
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
        case 'instances':
          return goTo('/instances');
        case 'tenants':
          return goTo('/tenants');
        case 'resources':
          return goTo('/resources');
        case 'configuration':
          return goTo('/configuration');
        case 'access':
          return goTo('/access');
        case 'load':
          return goTo('/load');
        case 'filter':
          return focusFilter();
        case 'range':
          return document.getElementById('range-button')?.click();
        case 'live':
          return select({ range: DEFAULT_RANGE });
        case 'zoomIn':
          return select({ range: zoomedIn(bounds) });
        case 'zoomOut':
          return zoomOut(bounds);
        case 'earlier':
          return select({ range: moved(bounds, -1, Date.now()) });
        case 'later':
          return select({ range: moved(bounds, 1, Date.now()) });
        case 'compare': {
          const index = comparisons.findIndex(({ value }) => value === compare);
          return select({ compare: comparisons[(index + 1) % comparisons.length]?.value ?? 'none' });
        }
      }
    },
    [toggleColorScheme, bounds, compare],
  );
  const { isOn, setOn } = useShortcuts(act);
  const place = placeOf(
    pathname,
    pages.map(({ pattern }) => pattern),
  );
  const page = pages.find(({ pattern }) => pattern === place?.pattern);

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
      {freshness.state !== 'refused' && <PageBar pattern={place?.pattern ?? null} />}
      <main id="content" tabIndex={-1} data-freshness={freshness.state}>
        {freshness.state === 'refused' ? (
          <RefusedPage failure={freshness.failure} onRetry={restart} />
        ) : (
          <>
            <StaleBanner freshness={freshness} onRetry={restart} />
            {freshness.state === 'live' && dashboard !== undefined && (
              <InstanceBanners instances={dashboard.instances} />
            )}
            {failure === null ? (
              <DrawnPage key={page?.pattern.split('/:')[0]}>
                {page?.render(place?.parameter ?? '') ?? <UnknownPage />}
              </DrawnPage>
            ) : (
              <ProblemPanel title="This range can not be shown" failure={failure} onRetry={retry} />
            )}
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
        The dashboard has{' '}
        {pages.map(({ pattern, label }) =>
          label === null ? null : (
            <Fragment key={pattern}>
              <PageLink to={pattern}>{label}</PageLink>,{' '}
            </Fragment>
          ),
        )}
        and a page for each route.
      </p>
    </section>
  );
}

/** The filter of this page, or the one of the overview: from another page that takes a moment to be there. */
function focusFilter(): void {
  const find = (): HTMLElement | null => document.querySelector<HTMLElement>('.table-filter input');
  if (find() === null) goTo('/#routes');
  requestAnimationFrame(() => requestAnimationFrame(() => find()?.focus()));
}
