import { Component, type ReactNode } from 'react';
import { Empty } from '../ui/states.tsx';

interface ErrorCatcherState {
  readonly error: unknown;
}

/** Shows that a page broke, in its place; the rest of the frame stays. */
export class ErrorCatcher extends Component<{ readonly children: ReactNode }, ErrorCatcherState> {
  override state: ErrorCatcherState = { error: null };

  static getDerivedStateFromError(error: unknown): ErrorCatcherState {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <Empty
        title="This page broke"
        isPage
        actions={
          <button type="button" className="quiet-button framed" onClick={() => location.reload()}>
            Load it again
          </button>
        }
      >
        {this.state.error instanceof Error ? this.state.error.message : 'Something was thrown that is no error.'} When a
        new release was put in place meanwhile, loading the page again helps.
      </Empty>
    );
  }
}
