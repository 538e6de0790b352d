import type { ReactElement } from 'react';
import { Link } from 'wouter';
import { type Summary, taskStatuses } from '../api/wire.ts';
import { addDays, today } from '../format/time.ts';
import { countText, statusNames } from '../format/words.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';

/** How an organization's work stands, each figure a link to the tasks behind it. */
export function SummaryTiles({ summary }: { readonly summary: Summary }): ReactElement {
  const { slug } = useOrganization();
  const tasks = (search: string): string => organizationAddress(slug, `/tasks${search}`);
  const isOpen = 'status=backlog&status=todo&status=in_progress&status=in_review';
  return (
    <section aria-label="How things stand" className="summary">
      <ul className="card summary-tiles">
        <li>
          <Link href={tasks(`?${isOpen}`)}>Open</Link>
          <strong className="numbers">{countText(summary.open)}</strong>
        </li>
        <li>
          <Link href={tasks(`?${isOpen}&dueTo=${addDays(today(), -1)}&sort=dueOn`)}>Overdue</Link>
          <strong className={`numbers${summary.overdue > 0 ? ' overdue' : ''}`}>{countText(summary.overdue)}</strong>
        </li>
        <li>
          <Link href={tasks('')}>Made in 7 days</Link>
          <strong className="numbers">{countText(summary.createdLast7Days)}</strong>
        </li>
        <li>
          <Link href={tasks('?status=done&sort=-updatedAt')}>Completed in 7 days</Link>
          <strong className="numbers">{countText(summary.completedLast7Days)}</strong>
        </li>
      </ul>
      <StatusBar summary={summary} />
    </section>
  );
}

function StatusBar({ summary }: { readonly summary: Summary }): ReactElement {
  const shares = taskStatuses.map((status) => ({
    status,
    count: summary.byStatus.find((one) => one.status === status)?.count ?? 0,
  }));
  const label = shares.map(({ status, count }) => `${statusNames[status]} ${countText(count)}`).join(', ');
  return (
    <div className="status-bar" role="img" aria-label={`All tasks: ${label}`}>
      {shares.map(({ status, count }) => (
        <span key={status} className={`share-${status}`} style={{ flexGrow: count }} title={statusNames[status]} />
      ))}
    </div>
  );
}
