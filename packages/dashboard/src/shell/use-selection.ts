import { useMemo } from 'react';
import { navigate, useSearch } from 'wouter/use-browser-location';
import { type Selection, searchOf, selectionOf } from './address.ts';

/** The selection in the address. */
export function useSelection(): Selection {
  const search = useSearch();
  return useMemo(() => selectionOf(search), [search]);
}

/** Changes part of the selection, on the page one is on; the browser's way back undoes it. */
export function select(change: Partial<Selection>): void {
  const search = searchOf({ ...selectionOf(location.search), ...change });
  if (search !== location.search) navigate(location.pathname + search);
}
