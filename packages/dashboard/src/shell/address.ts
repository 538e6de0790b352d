import { type Comparison, comparisons, DEFAULT_RANGE, parseSpan, type Range, spanText } from '../range/range.ts';

/** Where the dashboard lives; vite.config.ts says the same. */
export const BASE = '/autopilot';

/** What the page is about; it lives in the address, so that a link shows another person the same. */
export interface Selection {
  readonly range: Range;
  readonly compare: Comparison;
  readonly service: string | null;
  /** One instance; null: all, merged. */
  readonly instance: string | null;
  /** One release; null: all, merged. */
  readonly release: string | null;
  /** One watched database, on the pages about databases; null: the first. */
  readonly database: string | null;
}

export function selectionOf(search: string): Selection {
  const parameters = new URLSearchParams(search);
  const compare = parameters.get('compare');
  return {
    range: rangeOf(parameters),
    compare: comparisons.find(({ value }) => value === compare)?.value ?? 'none',
    service: parameters.get('service') || null,
    instance: parameters.get('instance') || null,
    release: parameters.get('release') || null,
    database: parameters.get('database') || null,
  };
}

/** `range=6h`, or `from` and `to` in RFC 3339; `minutes=15` is what links of the first release say. */
function rangeOf(parameters: URLSearchParams): Range {
  const from = Date.parse(parameters.get('from') ?? '');
  const to = Date.parse(parameters.get('to') ?? '');
  if (from < to) return { kind: 'fixed', from, to };
  const minutes = parameters.get('minutes');
  const ms = parseSpan(parameters.get('range') ?? (minutes === null ? '' : `${minutes}m`));
  return ms === null ? DEFAULT_RANGE : { kind: 'last', ms };
}

/** The address' search for a selection: "?range=15m", or nothing where all is default. */
export function searchOf({ range, compare, service, instance, release, database }: Selection): string {
  const parameters = new URLSearchParams();
  if (service !== null) parameters.set('service', service);
  if (instance !== null) parameters.set('instance', instance);
  if (release !== null) parameters.set('release', release);
  if (database !== null) parameters.set('database', database);
  if (range.kind === 'fixed') {
    parameters.set('from', new Date(range.from).toISOString());
    parameters.set('to', new Date(range.to).toISOString());
  } else if (spanText(range.ms) !== DEFAULT_SPAN) parameters.set('range', spanText(range.ms));
  if (compare !== 'none') parameters.set('compare', compare);
  // Colons need no escape in a search (RFC 3986, section 3.4), and times are read by people.
  const search = parameters.toString().replaceAll('%3A', ':');
  return search === '' ? '' : `?${search}`;
}

const DEFAULT_SPAN = DEFAULT_RANGE.kind === 'last' ? spanText(DEFAULT_RANGE.ms) : '';

/** The part of a path that a pattern names: "/routes/:route" of "/routes/GET%20%2F" is "GET /". */
export type PathParameter = string;

/**
 * The first of the patterns that a path below {@link BASE} fits, with what stands at its parameter. Takes the path as the browser has
 * it: decoded only once, here. null: none fits.
 */
export function placeOf<Pattern extends string>(
  pathname: string,
  patterns: readonly Pattern[],
): { readonly pattern: Pattern; readonly parameter: PathParameter } | null {
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) || '/' : '';
  for (const pattern of patterns) {
    const colon = pattern.indexOf(':');
    if (colon === -1) {
      if (path === pattern) return { pattern, parameter: '' };
      continue;
    }
    const encoded = path.startsWith(pattern.slice(0, colon)) ? path.slice(colon) : '';
    if (encoded === '') continue;
    try {
      return { pattern, parameter: decodeURIComponent(encoded) };
    } catch {
      // A lone % in the address: written by hand, and no page.
      return null;
    }
  }
  return null;
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
