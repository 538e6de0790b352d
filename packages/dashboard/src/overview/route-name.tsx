import { Fragment, type ReactElement } from 'react';
import { partsOf, routeAddress } from '../shell/address.ts';
import { PageLink } from '../shell/page-link.tsx';

/** A route as a link to its page, its method apart. */
export function RouteName({ route }: { readonly route: string }): ReactElement {
  const { method, pattern } = partsOf(route);
  return (
    <PageLink to={routeAddress(route)} className="route-name">
      {method !== null && (
        <span className="route-method" data-method={method}>
          {method}
        </span>
      )}{' '}
      <span className="route-pattern">{breakable(pattern)}</span>
    </PageLink>
  );
}

/** A pattern whose lines break before a slash rather than within a word. */
export function breakable(pattern: string): ReactElement[] {
  return pattern.split(/(?=\/)/).map((part, index) => (
    // Parts have no identity but their place.
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
