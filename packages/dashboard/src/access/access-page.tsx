import type { ReactElement } from 'react';
import { AuditCard } from './audit-card.tsx';
import { TokensCard } from './tokens-card.tsx';
import '../overview/tables.css';
import './access.css';

/** Who may come in by a token, and who changed what. */
export function AccessPage(): ReactElement {
  return (
    <div className="overview access-page">
      <TokensCard />
      <AuditCard />
    </div>
  );
}
