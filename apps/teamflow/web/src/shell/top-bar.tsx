import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { Organization } from '../api/wire.ts';
import { MenuIcon, PlusIcon, SearchIcon } from '../ui/icons.tsx';
import { showOverlay } from './overlay.ts';

/** On a narrow screen, in place of the side bar. */
export function TopBar({ organization }: { readonly organization: Organization | undefined }): ReactElement {
  return (
    <header className="top-bar">
      <button type="button" className="quiet-button" aria-label="Menu" onClick={() => showOverlay({ kind: 'menu' })}>
        <MenuIcon />
      </button>
      <Link href="/" className="brand">
        <img src="/favicon.svg" alt="" width="22" height="22" />
        <span>{organization?.name ?? 'TeamFlow'}</span>
      </Link>
      <button
        type="button"
        className="quiet-button"
        aria-label="Search and go anywhere"
        onClick={() => showOverlay({ kind: 'search' })}
      >
        <SearchIcon />
      </button>
      {organization !== undefined && (
        <button
          type="button"
          className="quiet-button"
          aria-label="New task"
          onClick={() => showOverlay({ kind: 'new-task' })}
        >
          <PlusIcon />
        </button>
      )}
    </header>
  );
}
