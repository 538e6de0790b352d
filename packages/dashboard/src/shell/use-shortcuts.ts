import { useEffect, useState } from 'react';
import { type Shortcut, ShortcutReader } from './shortcuts.ts';

const KEY = 'autopilot-shortcuts';

function areOn(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}

/**
 * Calls `onShortcut` for keys pressed outside fields. They can be switched off, because people who speak to their
 * computer press keys they did not mean (WCAG 2.1.4).
 */
export function useShortcuts(onShortcut: (shortcut: Shortcut) => void): {
  readonly isOn: boolean;
  readonly setOn: (isOn: boolean) => void;
} {
  const [isOn, setOn] = useState(areOn);
  useEffect(() => {
    if (!isOn) return undefined;
    const reader = new ShortcutReader();
    const read = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog[open]') !== null) return;
      const shortcut = reader.read(event.key, event.timeStamp);
      if (shortcut === null) return;
      event.preventDefault();
      onShortcut(shortcut);
    };
    addEventListener('keydown', read);
    return () => removeEventListener('keydown', read);
  }, [isOn, onShortcut]);

  return {
    isOn,
    setOn: (on) => {
      setOn(on);
      try {
        localStorage.setItem(KEY, on ? 'on' : 'off');
      } catch {
        // Not remembered then; it holds until the page is closed.
      }
    },
  };
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches('input:not([type="radio"], [type="checkbox"]), textarea, select');
}
