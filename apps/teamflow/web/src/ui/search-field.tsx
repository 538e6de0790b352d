import { TextInput } from '@mantine/core';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { useShortcut } from '../shell/shortcuts.ts';
import { SearchIcon } from './icons.tsx';

/** How long the reader must pause before what was typed is looked for. */
const pauseMs = 250;

interface PausedTextProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** Text that is given on when the reader pauses or is done; changes from outside are taken over. */
export function usePausedText({
  value,
  onChange,
}: PausedTextProps): readonly [string, (text: string, isDone?: boolean) => void] {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setText(value);
  }
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return [
    text,
    (to, isDone = false) => {
      setText(to);
      clearTimeout(timer.current);
      if (isDone) onChange(to.trim());
      else timer.current = setTimeout(() => onChange(to.trim()), pauseMs);
    },
  ];
}

interface SearchFieldProps extends PausedTextProps {
  readonly label: string;
  readonly title?: string;
}

/** A field to search with; the key / leads to it. */
export function SearchField({ label, title, ...props }: SearchFieldProps): ReactElement {
  const [text, setText] = usePausedText(props);
  const field = useRef<HTMLInputElement>(null);
  useShortcut('/', () => field.current?.focus());
  return (
    <TextInput
      ref={field}
      type="search"
      size="xs"
      className="search-field"
      aria-label={label}
      placeholder="Search"
      title={title}
      maxLength={200}
      leftSection={<SearchIcon />}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') setText(text, true);
      }}
    />
  );
}
