import { type ReactElement, useId, useMemo, useState } from 'react';
import { ChevronIcon } from '../shell/icons.tsx';
import { sqlPieces } from './sql-words.ts';

/** More than this does not fit into two lines on a desk. */
const SHORT = 90;

/** A statement in two lines, and in full when pressed. */
export function StatementText({ text }: { readonly text: string }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const flat = useMemo(() => text.replaceAll(/\s+/g, ' ').trim(), [text]);
  const pieces = useMemo(() => sqlPieces(isOpen ? text : flat), [isOpen, text, flat]);
  const code = (
    <code id={id} className={isOpen ? 'statement-code is-open' : 'statement-code'}>
      {pieces.map(({ text: piece, isKeyword }, index) =>
        // Pieces have no identity but their place.
        isKeyword ? <b key={index}>{piece}</b> : piece,
      )}
    </code>
  );
  if (flat.length <= SHORT) return <div className="statement">{code}</div>;
  return (
    <div className="statement">
      {code}
      <button
        type="button"
        className="quiet-button statement-more"
        aria-expanded={isOpen}
        aria-controls={id}
        aria-label={isOpen ? 'Show less of the statement' : 'Show the whole statement'}
        onClick={() => setOpen(!isOpen)}
      >
        <ChevronIcon />
      </button>
    </div>
  );
}
