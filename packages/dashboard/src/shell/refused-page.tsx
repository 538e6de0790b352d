import type { ReactElement } from 'react';
import type { StreamFailure } from '../live/shared-stream.ts';
import { SignInPage } from '../session/sign-in-page.tsx';
import { keepToken, readToken } from '../session/token.ts';
import { ProblemPanel } from './problem-panel.tsx';

/** What the API refused, by its reason: sign in, a scope that is missing, or what else it says. */
export function RefusedPage({
  failure,
  onRetry,
}: {
  readonly failure: StreamFailure;
  readonly onRetry: () => void;
}): ReactElement {
  const status = failure.problem?.status;
  if (status === 401) return <SignInPage onSignedIn={onRetry} />;
  if (status === 403) {
    return (
      <ProblemPanel title="You may not see this" failure={failure} onRetry={onRetry}>
        {failure.problem?.remedy === undefined && (
          <p>
            You are signed in, but without the scope <code>read</code>. An administrator of the application can give it
            to your account, or make a token that has it.
          </p>
        )}
        <div className="message-actions">
          {readToken() !== null && (
            <button type="button" className="quiet-button" onClick={() => keepToken(null)}>
              Use another token
            </button>
          )}
          <a href="/">Go to the application</a>
        </div>
      </ProblemPanel>
    );
  }
  return <ProblemPanel title={failure.problem?.title ?? 'The stream ended'} failure={failure} onRetry={onRetry} />;
}
