import { useMemo } from 'react';
import { navigate, useSearch } from 'wouter/use-browser-location';
import { type Selection, searchOf, selectionOf } from './address.ts';

/** The selection in the address. */
export function useSelection(): Selection {
  const search = useSearch();
  return useMemo(() => selectionOf(search), [search]);
}

/** Changes part of the selection, on the page one is on. */
export function select(change: Partial<Selection>): void {
  const search = searchOf({ ...selectionOf(location.search), ...change });
  navigate(location.pathname + search, { replace: true });
}
