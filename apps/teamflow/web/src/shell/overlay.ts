import { useSyncExternalStore } from 'react';
import type { TaskStatus } from '../api/wire.ts';

/** What lies over the page: one thing at a time. */
export type Overlay =
  | { readonly kind: 'search' }
  | { readonly kind: 'shortcuts' }
  | { readonly kind: 'menu' }
  | { readonly kind: 'new-project' }
  | { readonly kind: 'new-task'; readonly projectId?: number; readonly status?: TaskStatus };

let overlay: Overlay | null = null;
const listeners = new Set<() => void>();

/** Opens something over the page; null closes what is open. */
export function showOverlay(next: Overlay | null): void {
  overlay = next;
  for (const listener of listeners) listener();
}

/** Whether something lies over the page, or is being loaded to. */
export function isOverlaid(): boolean {
  return overlay !== null;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useOverlay(): Overlay | null {
  return useSyncExternalStore(subscribe, () => overlay);
}
