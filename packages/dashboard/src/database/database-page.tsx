import type { ReactElement } from 'react';
import { api } from '../session/api.ts';
import { PageLink } from '../shell/page-link.tsx';
import { select, useSelection } from '../shell/use-selection.ts';
import { AdvicePart } from './advice-part.tsx';
import { ConnectionsPart } from './connections-part.tsx';
import { IndexesPart } from './indexes-part.tsx';
import { MaintenancePart } from './maintenance-part.tsx';
import { OverviewPart } from './overview-part.tsx';
import { QueriesPart } from './queries-part.tsx';
import { TablesPart } from './tables-part.tsx';
import { useDatabase } from './use-database.ts';
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

/** Which of several databases is shown; the first, where the address says none. */
function DatabaseChoice(): ReactElement | null {
  const { database } = useSelection();
  const { data } = useDatabase('all', (_query, options) => api.listDatabases(options));
  const names = data?.databases.map(({ name }) => name) ?? [];
  if (names.length < 2) return null;
  return (
    <select
      className="bar-select"
      aria-label="Database"
      value={database ?? names[0] ?? ''}
      onChange={(event) => select({ database: event.target.value === names[0] ? null : event.target.value })}
    >
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** The watched database: what it costs, what is wrong with it, and who causes it. */
export function DatabasePage({ part }: { readonly part: string }): ReactElement {
  const shown = parts.find((one) => one.part === part);
  return (
    <div className="overview config-page database-page">
      <header className="config-head">
        <h1 tabIndex={-1}>Database</h1>
        <DatabaseChoice />
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
