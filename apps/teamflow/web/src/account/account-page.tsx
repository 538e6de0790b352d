import type { ReactElement } from 'react';
import type { Me } from '../api/wire.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { Avatar } from '../ui/avatar.tsx';
import { ApiKeys } from './api-keys.tsx';
import { ChangePassword } from './change-password.tsx';
import './account.css';

/** The reader's own account: password and API keys. */
export function AccountPage({ me }: { readonly me: Me }): ReactElement {
  usePageTitle('Account');
  return (
    <>
      <div className="page-head">
        <h1>Account</h1>
      </div>
      <section className="card account-part" aria-label="Who you are">
        <span className="who">
          <Avatar name={me.name} isLarge />
          <span>
            <strong>{me.name}</strong>
            <small>{me.email}</small>
          </span>
        </span>
        {me.role === 'admin' && <p>You run this installation: users, usage and the autopilot are open to you.</p>}
      </section>
      <ApiKeys />
      <ChangePassword />
    </>
  );
}
