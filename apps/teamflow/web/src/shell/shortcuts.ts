import { useEffect, useRef } from 'react';
import { isOverlaid } from './overlay.ts';

export interface ShortcutDefinition {
  readonly keys: string;
  readonly description: string;
}

/** Every key that does something, for the list of them. Two keys are pressed one after the other. */
export const shortcuts: readonly ShortcutDefinition[] = [
  { keys: 'Ctrl K', description: 'Search and go anywhere' },
  { keys: 'c', description: 'New task' },
  { keys: 'e', description: 'Edit the task' },
  { keys: '/', description: 'Search in the list' },
  { keys: 'j', description: 'Next task of the list' },
  { keys: 'k', description: 'Previous task of the list' },
  { keys: ']', description: 'Next page' },
  { keys: '[', description: 'Previous page' },
  { keys: 'g p', description: 'Go to the projects' },
  { keys: 'g t', description: 'Go to all tasks' },
  { keys: 'g m', description: 'Go to my tasks' },
  { keys: 'g a', description: 'Go to the activity' },
  { keys: 'd', description: 'Dark or light' },
  { keys: '?', description: 'Show this list' },
];

/** How long the first key of two waits for the second. */
const pairMs = 1200;
const storageKey = 'teamflow-shortcuts';
const handlers = new Map<string, Set<() => void>>();
let first: { readonly key: string; readonly atMs: number } | null = null;

/** Whether single keys do things. They can be switched off, for people who speak to their computer (WCAG 2.1.4). */
export function areShortcutsOn(): boolean {
  try {
    return localStorage.getItem(storageKey) !== 'off';
  } catch {
    return true;
  }
}

/** Switches single keys on or off; remembered where the browser allows it. */
export function setShortcutsOn(isOn: boolean): void {
  try {
    localStorage.setItem(storageKey, isOn ? 'on' : 'off');
  } catch {
    // Storage is refused in some private modes: they stay on then.
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches('input:not([type="radio"], [type="checkbox"]), textarea, select');
}

function call(keys: string): boolean {
  // The one that came last is nearest to what is seen.
  const handler = [...(handlers.get(keys) ?? [])].at(-1);
  handler?.();
  return handler !== undefined;
}

function read(event: KeyboardEvent): void {
  const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  if (isCommand && event.key.toLowerCase() === 'k') {
    if (call('Ctrl K')) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  // Whoever types on while what was asked for is being loaded means that, and no shortcut.
  if (!areShortcutsOn() || isOverlaid() || document.querySelector('dialog[open]') !== null) return;
  const before = first !== null && event.timeStamp - first.atMs <= pairMs ? first.key : null;
  first = null;
  if ((before !== null && call(`${before} ${event.key}`)) || call(event.key)) event.preventDefault();
  else if ([...handlers.keys()].some((keys) => keys.startsWith(`${event.key} `))) {
    first = { key: event.key, atMs: event.timeStamp };
  }
}

/** Does something at a key or pair of keys as {@link shortcuts} writes them, while the caller is drawn. */
export function useShortcut(keys: string, handle: () => void): void {
  const latest = useRef(handle);
  useEffect(() => {
    latest.current = handle;
  });
  useEffect(() => {
    const handler = (): void => latest.current();
    const set = handlers.get(keys) ?? new Set();
    handlers.set(keys, set.add(handler));
    if (handlers.size === 1) addEventListener('keydown', read);
    return () => {
      set.delete(handler);
      if (set.size === 0) handlers.delete(keys);
      if (handlers.size === 0) removeEventListener('keydown', read);
    };
  }, [keys]);
}
