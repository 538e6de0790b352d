import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { withLocalTimes } from '../format/time.ts';

interface LimitNotesProps {
  readonly notes: readonly string[];
  /** By family: observations that went into "(other)". */
  readonly overflow: Readonly<Record<string, number>>;
  /** Part of the range is missing: said before the numbers, not after them. */
  readonly isLoud?: boolean;
}

/** What the numbers do not hold: facts that a bound left out, a range that is not wholly kept. Never silent. */
export function LimitNotes({ notes, overflow, isLoud = false }: LimitNotesProps): ReactElement | null {
  const sentences = [
    ...notes.map(withLocalTimes),
    ...Object.entries(overflow).map(([family, count]) => overflowOf(family, count)),
  ];
  if (sentences.length === 0) return null;
  return (
    <ul className={isLoud ? 'limit-notes is-loud' : 'limit-notes'} aria-label="What limits these numbers">
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}

function overflowOf(family: string, count: number): string {
  const observations = `${formatQuantity('count', count)} observations`;
  if (family === 'route-statement') {
    return `${observations} of statements by route were left out: there are more pairs than the agent keeps.`;
  }
  return `${observations} of the kind "${family}" are counted under (other): there are more names than the agent keeps.`;
}
