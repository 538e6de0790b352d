/** Where the dashboard lives; vite.config.ts says the same. */
export const BASE = '/autopilot';

export const WINDOW_MINUTES: readonly number[] = [1, 5, 15, 60];
const DEFAULT_MINUTES = 5;

/** What the page is about; it lives in the address, so that a link shows another person the same. */
export interface Selection {
  readonly minutes: number;
  readonly service: string | null;
  /** One instance; null: all, merged. */
  readonly instance: string | null;
}

export function selectionOf(search: string): Selection {
  const parameters = new URLSearchParams(search);
  const minutes = Number(parameters.get('minutes'));
  return {
    minutes: WINDOW_MINUTES.includes(minutes) ? minutes : DEFAULT_MINUTES,
    service: parameters.get('service') || null,
    instance: parameters.get('instance') || null,
  };
}

/** The address' search for a selection: "?minutes=15", or nothing where all is default. */
export function searchOf({ minutes, service, instance }: Selection): string {
  const parameters = new URLSearchParams();
  if (service !== null) parameters.set('service', service);
  if (instance !== null) parameters.set('instance', instance);
  if (minutes !== DEFAULT_MINUTES) parameters.set('minutes', String(minutes));
  const search = parameters.toString();
  return search === '' ? '' : `?${search}`;
}

export type Place =
  | { readonly page: 'overview' }
  | { readonly page: 'route'; readonly route: string }
  | { readonly page: 'unknown' };

/** Which page an address is. Takes the path as the browser has it: decoded only once, here. */
export function placeOf(pathname: string): Place {
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : null;
  if (path === '' || path === '/') return { page: 'overview' };
  const encoded = path?.startsWith('/routes/') ? path.slice('/routes/'.length) : '';
  if (encoded === '') return { page: 'unknown' };
  try {
    return { page: 'route', route: decodeURIComponent(encoded) };
  } catch {
    // A lone % in the address: written by hand, and no route.
    return { page: 'unknown' };
  }
}

/** The address of a route's page, below {@link BASE}. */
export function routeAddress(route: string): string {
  return `/routes/${encodeURIComponent(route)}`;
}

/** A route's method and pattern apart: "GET /tasks/:id"; keys that are no route, as "(unmatched)", have no method. */
export function partsOf(route: string): { readonly method: string | null; readonly pattern: string } {
  const space = route.indexOf(' ');
  if (space <= 0 || route.startsWith('(')) return { method: null, pattern: route };
  return { method: route.slice(0, space), pattern: route.slice(space + 1) };
}
