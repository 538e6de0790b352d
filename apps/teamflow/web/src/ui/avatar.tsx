import type { ReactElement } from 'react';

function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) =>
    String.fromCodePoint(word?.codePointAt(0) ?? 32),
  );
  return letters.join('').trim().toUpperCase();
}

/** Somebody's initials in a circle, beside the name or instead of it; null: nobody. */
export function Avatar({
  name,
  isLarge = false,
}: {
  readonly name: string | null;
  readonly isLarge?: boolean;
}): ReactElement {
  return (
    <span className={`avatar${isLarge ? ' large' : ''}${name === null ? ' nobody' : ''}`} aria-hidden="true">
      {name === null ? '' : initialsOf(name)}
    </span>
  );
}
