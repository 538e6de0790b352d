import { type ReactElement, useEffect, useRef, useSyncExternalStore } from 'react';
import { onDraftsChange, readDrafts } from '../configuration/kept-drafts.ts';
import { comparisons } from '../range/range.ts';
import { RangeControl } from '../range/range-control.tsx';
import { useRangeView } from '../range/range-view.tsx';
import { PageLink } from './page-link.tsx';
import { pages } from './pages.tsx';
import { select } from './use-selection.ts';
import './page-bar.css';

/** Below the head of every page: the pages, what they are about, and which time they show. */
export function PageBar({ pattern }: { readonly pattern: string | null }): ReactElement {
  const { selection, document, comparedWith } = useRangeView();
  const { compare, service, instance, release } = selection;
  const instances = document?.instances ?? [];
  const nav = useRef<HTMLElement>(null);
  // Where the row of pages is wider than the screen, the open one is in sight.
  useEffect(() => {
    const open = nav.current?.querySelector<HTMLElement>('[aria-current]');
    if (nav.current != null && open != null) {
      nav.current.scrollLeft =
        open.offsetLeft - nav.current.offsetLeft - (nav.current.clientWidth - open.offsetWidth) / 2;
    }
  }, [pattern]);
  const isOfPresent = pages.some((page) => page.pattern === pattern && page.isOfPresent === true);
  return (
    <section className="page-bar" aria-label="What is shown">
      <div className="page-bar-row">
        <nav aria-label="Pages" ref={nav}>
          <ul>
            {pages
              .filter(({ label }) => label !== null)
              .map((page) => (
                <li key={page.pattern}>
                  <PageLink
                    to={page.pattern}
                    onPointerEnter={page.code.fetch}
                    onFocus={page.code.fetch}
                    {...(isAbove(page.pattern, pattern) ? { 'aria-current': 'page' as const } : {})}
                  >
                    {page.label} {page.pattern === '/configuration' && <DraftMark />}
                  </PageLink>
                </li>
              ))}
          </ul>
        </nav>
        <div className="page-bar-tools">
          <Choice
            label="Service"
            all={null}
            value={service ?? document?.service ?? null}
            values={document?.services ?? []}
            onChoose={(chosen) => select({ service: chosen, instance: null, release: null })}
          />
          <Choice
            label="Instance"
            all="All instances"
            value={instance}
            values={instances.map((one) => one.instance)}
            onChoose={(chosen) => select({ instance: chosen })}
          />
          {!isOfPresent && (
            <>
              <Choice
                label="Release"
                all="All releases"
                value={release}
                values={instances.map((one) => one.release)}
                onChoose={(chosen) => select({ release: chosen })}
              />
              <RangeControl />
              {compare !== 'none' && (
                <span className="chart-swatch is-dashed is-earlier compare-swatch" aria-hidden="true" />
              )}
              <select
                className="bar-select"
                id="compare"
                aria-label="Compare with"
                title={comparedWith === null ? 'Compare with an earlier range' : `Compared with ${comparedWith}`}
                data-active={compare !== 'none'}
                value={compare}
                onChange={(event) => {
                  const chosen = comparisons.find(({ value }) => value === event.target.value);
                  if (chosen !== undefined) select({ compare: chosen.value });
                }}
              >
                {comparisons.map(({ value, label }) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            </>
          )}
        </div>
      </div>
    </section>
  );
}

/** How many changes of the configuration wait to be made, wherever one is. */
function DraftMark(): ReactElement | null {
  const drafts = useSyncExternalStore(onDraftsChange, readDrafts);
  const count = [...drafts.values()].reduce((sum, { values }) => sum + values.size, 0);
  if (count === 0) return null;
  return (
    <span className="nav-mark numbers" title="Changes that are not made yet">
      {count}
      <span className="visually-hidden"> not made yet</span>
    </span>
  );
}

/** Whether a page of the navigation is the one that is open, or holds it as one of its parts. */
function isAbove(page: string, open: string | null): boolean {
  return open === page || (open?.startsWith(`${page}/:`) ?? false);
}

interface ChoiceProps {
  readonly label: string;
  /** The name of choosing none; null: one is always chosen. */
  readonly all: string | null;
  readonly value: string | null;
  readonly values: readonly string[];
  readonly onChoose: (value: string | null) => void;
}

/** A choice of one of several names; where there is only one there is no choice, and nothing is shown. */
function Choice({ label, all, value, values, onChoose }: ChoiceProps): ReactElement | null {
  const names = [...new Set(value === null ? values : [...values, value])].toSorted();
  if (names.length < 2 && (all === null || value === null)) return null;
  return (
    <select
      className="bar-select"
      aria-label={label}
      data-active={all !== null && value !== null}
      value={value ?? ''}
      onChange={(event) => onChoose(event.target.value || null)}
    >
      {all !== null && <option value="">{all}</option>}
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
