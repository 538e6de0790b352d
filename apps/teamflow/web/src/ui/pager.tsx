import type { ReactElement } from 'react';
import type { Page } from '../api/wire.ts';
import { countText } from '../format/words.ts';
import { BackIcon, NextIcon } from './icons.tsx';

interface PagerProps {
  readonly page: Page;
  readonly shown: number;
  /** What is counted: "task". */
  readonly noun: string;
  /** Default: the noun with an s. */
  readonly plural?: string;
  readonly onCursor: (cursor: string) => void;
}

/** What a list shows, and the ways to its other pages. */
export function Pager({ page, shown, noun, plural = `${noun}s`, onCursor }: PagerProps): ReactElement {
  const { previous, next } = page;
  const isWhole = previous === null && next === null;
  const things = `${countText(shown)} ${shown === 1 ? noun : plural}`;
  return (
    <nav className="pager" aria-label="Pages">
      <span>{isWhole ? things : `${things} on this page`}</span>
      {!isWhole && (
        <span className="pager-buttons">
          <button
            type="button"
            className="quiet-button framed"
            disabled={previous === null}
            onClick={() => onCursor(previous ?? '')}
          >
            <BackIcon />
            Previous
          </button>
          <button
            type="button"
            className="quiet-button framed"
            disabled={next === null}
            onClick={() => onCursor(next ?? '')}
          >
            Next
            <NextIcon />
          </button>
        </span>
      )}
    </nav>
  );
}
