import { type ReactElement, useState } from 'react';
import { RouteName } from './route-name.tsx';

/** So many that most rows stay as low as their statement. */
const SHOWN = 2;

/** The routes that wait for a statement: the first ones, and the others when asked for. */
export function CallingRoutes({ routes }: { readonly routes: readonly string[] }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  // One more takes no more room than the button would.
  const shown = isOpen || routes.length <= SHOWN + 1 ? routes : routes.slice(0, SHOWN);
  return (
    <ul className="calling-routes">
      {shown.map((route) => (
        <li key={route}>
          <RouteName route={route} />
        </li>
      ))}
      {shown.length < routes.length && (
        <li>
          <button type="button" className="more-routes" onClick={() => setOpen(true)}>
            {routes.length - shown.length} more
          </button>
        </li>
      )}
    </ul>
  );
}
