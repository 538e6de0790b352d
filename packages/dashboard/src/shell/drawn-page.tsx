import { Button, Loader } from '@mantine/core';
import { Component, type ReactElement, type ReactNode, Suspense, useLayoutEffect } from 'react';
import { failureOf } from '../live/shared-stream.ts';
import { WarningIcon } from './icons.tsx';
import { arriveWhenDrawn, PAGE_LOADING } from './page-link.tsx';
import './message-panel.css';

/** A page, what stands there until its code has come, and what is said when it can not be drawn. */
export function DrawnPage({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <PageCatcher>
      <Suspense
        fallback={
          <div className={PAGE_LOADING}>
            <Loader size="sm" role="status" aria-label="Loading the page" />
          </div>
        }
      >
        <Arrived />
        {children}
      </Suspense>
    </PageCatcher>
  );
}

/** Its effect runs when everything beside it is drawn: a layout effect does so each time that the loader goes. */
function Arrived(): null {
  useLayoutEffect(arriveWhenDrawn, []);
  return null;
}

interface PageCatcherState {
  readonly error: unknown;
}

/** Shows in the place of a page that it broke, or that its code did not come; what is around it goes on. */
class PageCatcher extends Component<{ readonly children: ReactNode }, PageCatcherState> {
  override state: PageCatcherState = { error: null };

  static getDerivedStateFromError(error: unknown): PageCatcherState {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <section className="message-panel" aria-labelledby="broken-title">
        <div className="message-icon" data-tone="bad">
          <WarningIcon />
        </div>
        <h1 id="broken-title" tabIndex={-1}>
          This page can not be drawn
        </h1>
        <p>{failureOf(this.state.error).detail}</p>
        <p>Another release of the dashboard may be in place by now: loading it again brings that one.</p>
        <div className="message-actions">
          <Button size="sm" onClick={() => location.reload()}>
            Load it again
          </Button>
        </div>
      </section>
    );
  }
}
