import { type ReactElement, useSyncExternalStore } from 'react';
import { reasonOf } from '../api/request.ts';
import { CloseIcon } from './icons.tsx';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: 'done' | 'failed';
}

/** What worked is gone after a while; what failed stays longer. */
const shownMs = { done: 4_000, failed: 10_000 } as const;
const mostShown = 4;

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

function drop(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

function add(kind: Toast['kind'], text: string): void {
  lastId += 1;
  const id = lastId;
  set([...toasts.slice(1 - mostShown), { id, text, kind }]);
  setTimeout(() => drop(id), shownMs[kind]);
}

/** Says at the edge of the page that something was done. */
export function sayDone(text: string): void {
  add('done', text);
}

/** Says at the edge of the page that something failed, and why. */
export function sayFailed(what: string, error: unknown): void {
  add('failed', `${what} ${reasonOf(error)}`);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Short notices, read out as they come. */
export function Toasts(): ReactElement {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, kind }) => (
        <div key={id} className={`toast${kind === 'failed' ? ' bad' : ''}`}>
          <span>{text}</span>
          <button type="button" className="quiet-button" aria-label="Dismiss" onClick={() => drop(id)}>
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  );
}
