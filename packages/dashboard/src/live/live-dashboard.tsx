import type { Dashboard } from '@teamflow/autopilot/contract';
import { createContext, type ReactElement, type ReactNode, use, useMemo, useSyncExternalStore } from 'react';
import { liveMinutes } from '../range/range.ts';
import { api } from '../session/api.ts';
import { identityOf, onTokenChange, readToken } from '../session/token.ts';
import type { Selection } from '../shell/address.ts';
import { useSelection } from '../shell/use-selection.ts';
import { browserPorts } from './browser-ports.ts';
import { SharedStream } from './shared-stream.ts';
import { type LiveDocument, useLiveDocument } from './use-live-document.ts';
import { usePageTitle } from './use-page-title.ts';

export interface LiveDashboard extends LiveDocument<Dashboard> {
  readonly selection: Selection;
}

const LiveDashboardContext = createContext<LiveDashboard | null>(null);

/** Of a range that is not live nothing is streamed but what the head of the page tells of the present. */
const STATE_MINUTES = 1;

/** Holds the one dashboard stream of the page, for every part of it. */
export function LiveDashboardProvider({ children }: { readonly children: ReactNode }): ReactElement {
  const selection = useSelection();
  const { service } = selection;
  const live = liveMinutes(selection.range);
  const minutes = live ?? STATE_MINUTES;
  // The present state is that of all: an instance of last week may be gone, and its release with it.
  const instance = live === null ? null : selection.instance;
  const release = live === null ? null : selection.release;
  const identity = identityOf(useSyncExternalStore(onTokenChange, readToken));
  const key = useMemo(
    () => ['dashboard', identity, service, instance, release, minutes],
    [identity, service, instance, release, minutes],
  );
  const stream = useMemo(
    () =>
      new SharedStream<Dashboard>({
        name: `autopilot.1.${JSON.stringify(key)}`,
        open: (options) =>
          api.streamDashboard(
            {
              minutes,
              ...(service === null ? {} : { service }),
              ...(instance === null ? {} : { instance }),
              ...(release === null ? {} : { release }),
            },
            options,
          ),
        ...browserPorts,
      }),
    [key, minutes, service, instance, release],
  );
  // Another window or instance was chosen: until its document is here the one before stays, under its own times.
  const { document, freshness, restart } = useLiveDocument(stream, key, { keepsBefore: true, leavesWhenHidden: false });
  usePageTitle(stream);
  const value = useMemo(() => ({ document, freshness, restart, selection }), [document, freshness, restart, selection]);
  return <LiveDashboardContext value={value}>{children}</LiveDashboardContext>;
}

export function useLiveDashboard(): LiveDashboard {
  const live = use(LiveDashboardContext);
  if (live === null) throw new Error('useLiveDashboard is used outside LiveDashboardProvider: wrap the page in it.');
  return live;
}
