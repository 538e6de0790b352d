import type { EpochMs } from '@teamflow/autopilot/contract';
import type { Draft, DraftValue } from './draft.ts';

/** A draft as this tab keeps it: it outlives the page, a reload and a new sign-in, and ends with the tab. */
export interface KeptDraft extends Draft {
  /** When it was last changed. */
  readonly keptAt: EpochMs;
}

/** By what they are about: the text of a ConfigScope. */
export type KeptDrafts = ReadonlyMap<string, KeptDraft>;

const KEY = 'autopilot-config-drafts';
const listeners = new Set<() => void>();
let kept: KeptDrafts | null = null;

/** The drafts of this tab; the same map until one changes. */
export function readDrafts(): KeptDrafts {
  if (kept === null) {
    try {
      kept = parseDrafts(sessionStorage.getItem(KEY));
    } catch {
      // Where storage is refused they live as long as the page.
      kept = new Map();
    }
  }
  return kept;
}

/** Keeps the draft of a scope in place of the one before; null forgets it. */
export function keepDraft(scope: string, draft: Draft | null, now: EpochMs): void {
  const next = new Map(readDrafts());
  if (draft === null) next.delete(scope);
  else next.set(scope, { base: draft.base, values: draft.values, keptAt: now });
  kept = next;
  try {
    if (next.size === 0) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, textOf(next));
  } catch {
    // Kept in memory above.
  }
  for (const listener of listeners) listener();
}

export function onDraftsChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Drafts as the storage holds them. */
export function textOf(drafts: KeptDrafts): string {
  return JSON.stringify(
    [...drafts].map(([scope, { base, keptAt, values }]) => ({ scope, base, keptAt, values: [...values] })),
  );
}

/** What {@link textOf} wrote; without whatever an older or newer dashboard wrote that is no draft here. */
export function parseDrafts(text: string | null): KeptDrafts {
  let read: unknown;
  try {
    read = JSON.parse(text ?? '[]');
  } catch {
    read = [];
  }
  const drafts = new Map<string, KeptDraft>();
  for (const one of Array.isArray(read) ? read : []) {
    if (!isRecord(one)) continue;
    const { scope, base, keptAt, values } = one;
    if (typeof scope !== 'string' || typeof base !== 'number' || typeof keptAt !== 'number') continue;
    const pairs = (Array.isArray(values) ? values : []).filter(isPair);
    if (pairs.length > 0) drafts.set(scope, { base, keptAt, values: new Map(pairs) });
  }
  return drafts;
}

function isPair(pair: unknown): pair is [string, DraftValue] {
  if (!Array.isArray(pair) || typeof pair[0] !== 'string' || !isRecord(pair[1])) return false;
  const { state, value, text, trouble } = pair[1];
  return state === 'usable' ? isSettingValue(value) : typeof text === 'string' && typeof trouble === 'string';
}

function isSettingValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
