import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { RequestError, request } from '../api/request.ts';
import type { Organization } from '../api/wire.ts';
import { roleNames } from '../format/words.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { Avatar } from '../ui/avatar.tsx';
import { formText } from '../ui/form-text.ts';
import { Empty, Failure } from '../ui/states.tsx';
import { organizationAddress } from './organization.tsx';
import { slugOf } from './slug.ts';
import './organizations.css';

/** Choose an organization, or make one. */
export function OrganizationsPage({
  organizations,
}: {
  readonly organizations: readonly Organization[];
}): ReactElement {
  usePageTitle('Organizations');
  return (
    <>
      <div className="page-head">
        <h1>Organizations</h1>
        <p className="page-note">Work belongs to an organization; only its members see it.</p>
      </div>
      {organizations.length === 0 ? (
        <section className="card">
          <Empty title="You are in no organization yet">
            Make one below and invite the others, or ask somebody for the link of an invitation to theirs.
          </Empty>
        </section>
      ) : (
        <ul className="organization-list">
          {organizations.map(({ id, name, slug, role }) => (
            <li key={id}>
              <Link href={organizationAddress(slug)} className="card organization-card">
                <Avatar name={name} isLarge />
                <span>
                  <strong>{name}</strong>
                  <small>{roleNames[role]}</small>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
      <NewOrganization />
    </>
  );
}

async function makeOrganization(name: string): Promise<Organization> {
  const make = (slug: string): Promise<Organization> =>
    request<Organization>('POST', '/api/auth/organization/create', { body: { name, slug } });
  try {
    return await make(slugOf(name));
  } catch (error) {
    // Somebody else's may have the address already: the name stays, the address gets a number.
    if (!(error instanceof RequestError) || !error.code.startsWith('ORGANIZATION_ALREADY_EXISTS')) throw error;
    return make(`${slugOf(name)}-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`);
  }
}

function NewOrganization(): ReactElement {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [failure, setFailure] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (name: string): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      const { slug } = await makeOrganization(name);
      await client.refetchQueries({ queryKey: ['organizations'] });
      navigate(organizationAddress(slug));
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void send(formText(new FormData(event.currentTarget), 'name').trim());
  };
  return (
    <section className="card new-organization" aria-labelledby="new-organization">
      <h2 id="new-organization">New organization</h2>
      <form onSubmit={submit}>
        <TextInput name="name" label="Name" placeholder="The name of your team or company" maxLength={100} required />
        <Button type="submit" loading={isBusy}>
          Make it
        </Button>
      </form>
      {failure !== null && <Failure error={failure} />}
    </section>
  );
}
