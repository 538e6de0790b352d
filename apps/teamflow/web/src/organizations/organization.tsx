import { createContext, type ReactElement, type ReactNode, useContext } from 'react';
import type { Organization } from '../api/wire.ts';

const OrganizationContext = createContext<Organization | null>(null);
const storageKey = 'teamflow-organization';

export function OrganizationProvider({
  organization,
  children,
}: {
  readonly organization: Organization;
  readonly children: ReactNode;
}): ReactElement {
  return <OrganizationContext value={organization}>{children}</OrganizationContext>;
}

/** The organization that the page is about. */
export function useOrganization(): Organization {
  const organization = useContext(OrganizationContext);
  if (organization === null) throw new Error('useOrganization() outside of an organization’s pages.');
  return organization;
}

/** The organization the reader was in last, by its slug; null: none is remembered. */
export function lastOrganization(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

/** Remembers where the reader is. */
export function keepOrganization(slug: string): void {
  try {
    localStorage.setItem(storageKey, slug);
  } catch {
    // Storage is refused in some private modes: the first organization is opened next time.
  }
}

/** Where the pages of an organization are. */
export function organizationAddress(slug: string, path = ''): string {
  return `/o/${encodeURIComponent(slug)}${path}`;
}
