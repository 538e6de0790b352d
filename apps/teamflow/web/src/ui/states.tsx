import { Loader } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { reasonOf } from '../api/request.ts';

/** Something is on its way. */
export function Loading(): ReactElement {
  return (
    <div className="loading">
      <Loader size="sm" role="status" aria-label="Loading" />
    </div>
  );
}

interface EmptyProps {
  readonly title: string;
  /** Why, and what to do next. */
  readonly children: ReactNode;
  readonly actions?: ReactNode;
  /** Nothing else is on the page. */
  readonly isPage?: boolean;
}

/** There is nothing here yet. */
export function Empty({ title, children, actions, isPage = false }: EmptyProps): ReactElement {
  return (
    <div className="message-panel">
      {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p>{children}</p>
      {actions !== undefined && <div className="message-actions">{actions}</div>}
    </div>
  );
}

interface FailureProps {
  readonly error: unknown;
  /** Tries again; absent: that would not help. */
  readonly onRetry?: () => void;
}

/** Something did not work, and what the service said about it. */
export function Failure({ error, onRetry }: FailureProps): ReactElement {
  return (
    <div className="failure" role="alert">
      <span>{reasonOf(error)}</span>
      {onRetry !== undefined && (
        <button type="button" className="quiet-button framed" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
