import type { Dashboard } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import type { Freshness } from '../live/freshness.ts';
import { silenceOf } from '../live/silence.ts';
import { keepToken } from '../session/token.ts';
import type { Selection } from './address.ts';
import { ConnectionPill } from './connection-pill.tsx';
import { KeyboardIcon, LeaveIcon } from './icons.tsx';
import { PageLink } from './page-link.tsx';
import { SchemeSwitch } from './scheme-switch.tsx';
import './page-header.css';

/** What the API calls the service as long as none is known. */
const NO_SERVICE = '(none)';

interface PageHeaderProps {
  readonly dashboard: Dashboard | undefined;
  readonly freshness: Freshness;
  readonly selection: Selection;
  readonly hasToken: boolean;
  readonly onShortcuts: () => void;
}

/** On every page: what is watched, whether it is live, and the reader's own switches. */
export function PageHeader({ dashboard, freshness, selection, hasToken, onShortcuts }: PageHeaderProps): ReactElement {
  return (
    <header className="page-header">
      <div className="page-header-row">
        <PageLink to="/" className="brand" aria-label="Autopilot: overview">
          <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width="22" height="22" />
          <span className="brand-name">Autopilot</span>
        </PageLink>
        {dashboard !== undefined && dashboard.service !== NO_SERVICE && (
          <>
            <span className="brand-slash" aria-hidden="true">
              /
            </span>
            <span className="service-name">{dashboard.service}</span>
          </>
        )}
        <ConnectionPill freshness={freshness} isSilent={silenceOf(dashboard, selection.instance) !== null} />
        <div className="page-header-tools">
          <SchemeSwitch />
          <button
            type="button"
            className="quiet-button shortcuts-button"
            aria-label="Keyboard shortcuts"
            title="Keyboard shortcuts (?)"
            onClick={onShortcuts}
          >
            <KeyboardIcon />
          </button>
          {hasToken && (
            <button
              type="button"
              className="quiet-button"
              title="Forget the token of this tab"
              onClick={() => keepToken(null)}
            >
              <LeaveIcon />
              <span className="sign-out-word">Sign out</span>
            </button>
          )}
        </div>
      </div>
    </header>
  );
}
