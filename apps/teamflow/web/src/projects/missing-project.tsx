import type { ReactElement } from 'react';
import { Link } from 'wouter';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { Empty } from '../ui/states.tsx';

/** In place of a project that is not there, or not the reader's to see. */
export function MissingProject(): ReactElement {
  const { slug } = useOrganization();
  return (
    <div className="card">
      <Empty
        title="This project is not there"
        isPage
        actions={<Link href={organizationAddress(slug)}>Go to the projects</Link>}
      >
        It may have been deleted, or belongs to another organization.
      </Empty>
    </div>
  );
}
