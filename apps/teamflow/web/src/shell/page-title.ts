import { useEffect } from 'react';

/** Names the page in the browser's tab; undefined: its name is not known yet. */
export function usePageTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title === undefined ? 'TeamFlow' : `${title} · TeamFlow`;
  }, [title]);
}
