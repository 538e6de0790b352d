import type { Dashboard } from '@teamflow/autopilot/contract';
import { useEffect } from 'react';
import { freshnessOf } from './freshness.ts';
import { pageTitle } from './page-title.ts';
import type { SharedStream } from './shared-stream.ts';

/** Keeps the tab's title true, hidden tabs included: it is all that is seen of them. */
export function usePageTitle(stream: SharedStream<Dashboard>): void {
  useEffect(() => {
    const write = (): void => {
      const title = pageTitle(stream.snapshot.document, freshnessOf(stream.snapshot, Date.now()));
      if (document.title !== title) document.title = title;
    };
    const forget = stream.subscribe(write);
    const timer = setInterval(write, 1000);
    return () => {
      forget();
      clearInterval(timer);
    };
  }, [stream]);
}
