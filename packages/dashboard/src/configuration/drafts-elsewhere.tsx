import type { ReactElement } from 'react';
import { PageLink } from '../shell/page-link.tsx';
import { countOf } from './draft.ts';
import type { KeptDrafts } from './kept-drafts.ts';
import type { ConfigScope } from './use-configuration.ts';

interface DraftsElsewhereProps {
  readonly drafts: KeptDrafts;
  /** The scope whose draft is on the page; null: none is. */
  readonly open: string | null;
}

/** Leads to the changes that are not made yet and stand on another page, so that none is forgotten. */
export function DraftsElsewhere({ drafts, open }: DraftsElsewhereProps): ReactElement | null {
  const others = [...drafts].filter(([scope]) => scope !== open);
  if (others.length === 0) return null;
  return (
    <ul className="limit-notes" aria-label="Changes that are not made yet elsewhere">
      {others.map(([scope, { values }]) => {
        // Written by the page from a ConfigScope.
        const { service, instance } = JSON.parse(scope) as ConfigScope;
        const search = new URLSearchParams({ service: service.service ?? '', instance: instance ?? '' });
        return (
          <li key={scope}>
            {countOf(values.size)} {instance === null ? 'of the fleet' : `of ${instance} alone`}
            {service.service === undefined ? '' : ` of ${service.service}`} not made yet:{' '}
            <PageLink to={`/configuration?${search}`}>go to {values.size === 1 ? 'it' : 'them'}</PageLink>
          </li>
        );
      })}
    </ul>
  );
}
