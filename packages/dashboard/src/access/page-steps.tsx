import { Button } from '@mantine/core';
import type { ReactElement } from 'react';

interface PageStepsProps {
  /** Of the list, for people who hear it: "Pages of the audit log". */
  readonly label: string;
  readonly page: { readonly next: string | null; readonly previous: string | null } | undefined;
  readonly onStep: (cursor: string) => void;
}

/** The ways to the pages before and after, where there are any. */
export function PageSteps({ label, page, onStep }: PageStepsProps): ReactElement | null {
  const { next = null, previous = null } = page ?? {};
  if (next === null && previous === null) return null;
  const step = (cursor: string | null, words: string): ReactElement => (
    <Button size="xs" variant="default" disabled={cursor === null} onClick={() => cursor !== null && onStep(cursor)}>
      {words}
    </Button>
  );
  return (
    <nav className="page-steps" aria-label={label}>
      {step(previous, 'Newer')}
      {step(next, 'Older')}
    </nav>
  );
}
