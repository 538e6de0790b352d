import { liveMinutes } from '../range/range.ts';
import { type AskedSelection, useRangeView } from '../range/range-view.tsx';

const ASK_EVERY_MS = 2_000;

interface About {
  /** For the key of a query: the same as long as the same is asked. */
  readonly key: unknown;
  /** What is asked now; a live range begins so long ago and ends at present. */
  readonly ask: () => Omit<AskedSelection, 'compare' | 'to'> & { readonly to?: string };
  /** How often it is asked again; false: the range says when. */
  readonly every: number | false;
}

/** The selection of the page, for calls that are not streamed. */
export function useAbout(): About {
  const { selection, asked, isLive } = useRangeView();
  const minutes = liveMinutes(selection.range);
  const { compare: _, from, to, ...about } = asked;
  return {
    key: [about, isLive ? minutes : { from, to }],
    ask: () =>
      minutes === null
        ? { ...about, from, to }
        : { ...about, from: new Date(Date.now() - minutes * 60_000).toISOString() },
    every: isLive ? ASK_EVERY_MS : false,
  };
}
