import type { ComponentProps, MouseEvent, ReactElement } from 'react';
import { navigate, useSearch } from 'wouter/use-browser-location';
import { BASE, searchOf, selectionOf } from './address.ts';

/** The class of what stands in the place of a page whose code is on its way. */
export const PAGE_LOADING = 'page-loading';

interface PageLinkProps extends Omit<ComponentProps<'a'>, 'href'> {
  /** A page below the dashboard's address: "/", "/routes/...", with or without "#part". */
  readonly to: string;
}

/** A link to another page of the dashboard, or a part of one; the selection goes along. */
export function PageLink({ to, onClick, children, ...rest }: PageLinkProps): ReactElement {
  const href = hrefOf(to, useSearch());
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    // With a key held it is the browser's: a new tab, a new window, a download.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
    arrive();
  };
  return (
    <a {...rest} href={href} onClick={follow}>
      {children}
    </a>
  );
}

/** Goes to a page as a link would. */
export function goTo(to: string): void {
  navigate(hrefOf(to, location.search));
  arrive();
}

/** `link` of a deduction as a page of the dashboard: it may come with the base before it. */
export function pageOf(link: string): string {
  const below = link.startsWith(BASE) ? link.slice(BASE.length) : link;
  return below.startsWith('/') ? below : `/${below}`;
}

function hrefOf(to: string, search: string): string {
  const { pathname, searchParams, hash } = new URL(to, 'http://dashboard');
  // What the link asks for itself wins over what is selected now.
  const own = Object.fromEntries(searchParams);
  const now = new URLSearchParams(search);
  if (['minutes', 'range', 'from'].some((name) => searchParams.has(name))) {
    for (const name of ['minutes', 'range', 'from', 'to']) now.delete(name);
  }
  const selection = selectionOf(String(new URLSearchParams({ ...Object.fromEntries(now), ...own })));
  return `${BASE}${pathname}${searchOf(selection)}${hash}`;
}

let isArriving = false;

/** Moves to what the address names, as a browser does after loading a page: sight and focus. */
export function arrive(): void {
  isArriving = true;
  // After React has drawn the page that was navigated to.
  requestAnimationFrame(arriveWhenDrawn);
}

/** The rest of {@link arrive}, for a page whose code came later than its address. */
export function arriveWhenDrawn(): void {
  if (!isArriving || document.querySelector(`.${PAGE_LOADING}`) !== null) return;
  isArriving = false;
  const part = location.hash === '' ? null : document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (part === null) scrollTo({ top: 0 });
  else part.scrollIntoView({ block: 'start' });
  const focused = part ?? document.querySelector('h1');
  if (focused === null) return;
  if (!focused.hasAttribute('tabindex')) focused.setAttribute('tabindex', '-1');
  focused.focus({ preventScroll: true });
}
