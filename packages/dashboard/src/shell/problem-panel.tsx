import { Button } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import type { StreamFailure } from '../live/shared-stream.ts';
import { WarningIcon } from './icons.tsx';
import './message-panel.css';

interface ProblemPanelProps {
  readonly title: string;
  readonly failure: StreamFailure;
  readonly onRetry: () => void;
  readonly children?: ReactNode;
}

/** Stands where content would be when it can not be had: what happened, and what to do. */
export function ProblemPanel({ title, failure, onRetry, children }: ProblemPanelProps): ReactElement {
  const { problem, detail } = failure;
  return (
    <section className="message-panel" aria-labelledby="problem-title">
      <div className="message-icon" data-tone="bad">
        <WarningIcon />
      </div>
      <h1 id="problem-title" tabIndex={-1}>
        {title}
      </h1>
      <p>{detail}</p>
      {problem?.remedy !== undefined && <p>{problem.remedy}</p>}
      {children}
      <div className="message-actions">
        <Button size="sm" onClick={onRetry}>
          Try again
        </Button>
      </div>
      {problem !== null && (
        <p className="message-code">
          <code>{problem.code}</code>
          {problem.instance !== undefined && (
            <>
              {' '}
              in request <code>{problem.instance}</code>
            </>
          )}
        </p>
      )}
    </section>
  );
}
