import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import './page-steps.css';

interface PageStepsProps {
  /** Of the list, for people who hear it: "Pages of the audit log". */
  readonly label: string;
  readonly page: { readonly next: string | null; readonly previous: string | null } | undefined;
  readonly onStep: (cursor: string) => void;
  /** Of the two ways; default those of a list in the order of time. */
  readonly words?: readonly [before: string, after: string];
}

/** The ways to the pages before and after, where there are any. */
export function PageSteps({ label, page, onStep, words = ['Newer', 'Older'] }: PageStepsProps): ReactElement | null {
  const { next = null, previous = null } = page ?? {};
  if (next === null && previous === null) return null;
  const step = (cursor: string | null, text: string): ReactElement => (
    <Button size="xs" variant="default" disabled={cursor === null} onClick={() => cursor !== null && onStep(cursor)}>
      {text}
    </Button>
  );
  return (
    <nav className="page-steps" aria-label={label}>
      {step(previous, words[0])}
      {step(next, words[1])}
    </nav>
  );
}
