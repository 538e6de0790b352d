import type { ReactElement } from 'react';
import type { Page } from '../api/wire.ts';
import { countText } from '../format/words.ts';
import { BackIcon, NextIcon } from './icons.tsx';

interface PagerProps {
  readonly page: Page;
  readonly shown: number;
  /** What is shown is of another filter or page than was asked for since: its cursors would lead into the wrong list. */
  readonly isStale: boolean;
  /** What is counted: "task". */
  readonly noun: string;
  /** Default: the noun with an s. */
  readonly plural?: string;
  readonly onCursor: (cursor: string) => void;
}

/** What a list shows of how much, and the ways to its other pages. */
export function Pager({ page, shown, isStale, noun, plural = `${noun}s`, onCursor }: PagerProps): ReactElement {
  const { previous, next } = page;
  const isWhole = previous === null && next === null;
  const named = (count: number): string => `${countText(count)} ${count === 1 ? noun : plural}`;
  const whole = page.count === undefined ? '' : ` of ${page.count.exact ? '' : 'about '}${countText(page.count.value)}`;
  const cut = page.cut === undefined ? '' : '; more of them would have been too much for one page';
  return (
    <nav className="pager" aria-label="Pages">
      <span>{isWhole ? named(shown) : `${named(shown)}${whole} on this page${cut}`}</span>
      {!isWhole && (
        <span className="pager-buttons">
          <button
            type="button"
            className="quiet-button framed"
            disabled={isStale || previous === null}
            onClick={() => onCursor(previous ?? '')}
          >
            <BackIcon />
            Previous
          </button>
          <button
            type="button"
            className="quiet-button framed"
            disabled={isStale || next === null}
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
