import type { ReactElement } from 'react';
import { PageLink } from '../shell/page-link.tsx';
import { AdvicePart } from './advice-part.tsx';
import { ConnectionsPart } from './connections-part.tsx';
import { IndexesPart } from './indexes-part.tsx';
import { MaintenancePart } from './maintenance-part.tsx';
import { OverviewPart } from './overview-part.tsx';
import { QueriesPart } from './queries-part.tsx';
import { TablesPart } from './tables-part.tsx';
import '../overview/overview.css';
import '../overview/tables.css';
import '../configuration/configuration.css';
import '../usage/usage.css';
import './database.css';

const parts = [
  { part: '', label: 'Overview', render: () => <OverviewPart /> },
  { part: 'queries', label: 'Queries', render: () => <QueriesPart /> },
  { part: 'tables', label: 'Tables', render: () => <TablesPart /> },
  { part: 'indexes', label: 'Indexes', render: () => <IndexesPart /> },
  { part: 'advice', label: 'Index advice', render: () => <AdvicePart /> },
  { part: 'connections', label: 'Connections', render: () => <ConnectionsPart /> },
  { part: 'maintenance', label: 'Maintenance', render: () => <MaintenancePart /> },
] as const;

/** The watched database: what it costs, what is wrong with it, and who causes it. */
export function DatabasePage({ part }: { readonly part: string }): ReactElement {
  const shown = parts.find((one) => one.part === part);
  return (
    <div className="overview config-page database-page">
      <header className="config-head">
        <h1 tabIndex={-1}>Database</h1>
        <nav aria-label="Parts of the database" className="config-parts">
          <ul>
            {parts.map((one) => (
              <li key={one.part}>
                <PageLink
                  to={one.part === '' ? '/database' : `/database/${one.part}`}
                  {...(one.part === part ? { 'aria-current': 'page' as const } : {})}
                >
                  {one.label}
                </PageLink>
              </li>
            ))}
          </ul>
        </nav>
      </header>
      {shown?.render() ?? <p className="card-empty">The database has no such page.</p>}
    </div>
  );
}
