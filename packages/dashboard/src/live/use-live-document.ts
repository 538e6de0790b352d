import { keepPreviousData, type QueryKey, skipToken, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { type Freshness, freshnessOf, isSameFreshness } from './freshness.ts';
import type { SharedStream } from './shared-stream.ts';

export interface LiveDocument<Document> {
  readonly document: Document | undefined;
  readonly freshness: Freshness;
  /** Connects again at once. */
  readonly restart: () => void;
}

export interface LiveDocumentOptions {
  /** Shows the document of the key before until the first of a new key is here. */
  readonly keepsBefore: boolean;
  /** Ends the stream while the tab is hidden: of such streams only those that are looked at are open. */
  readonly leavesWhenHidden: boolean;
}

const JUDGE_EVERY_MS = 500;

/**
 * The documents of a stream, in the query cache under `key`. Nothing is drawn while the tab is hidden; the freshness
 * is judged on a timer, because silence is no event.
 */
export function useLiveDocument<Document>(
  stream: SharedStream<Document>,
  key: QueryKey,
  { keepsBefore, leavesWhenHidden }: LiveDocumentOptions,
): LiveDocument<Document> {
  const queries = useQueryClient();
  const [freshness, setFreshness] = useState<Freshness>({ state: 'connecting' });
  const { data: document } = useQuery<Document>({
    queryKey: key,
    queryFn: skipToken,
    // Documents are new each second: comparing thousands of points to find that out would cost more than drawing them.
    structuralSharing: false,
    ...(keepsBefore ? { placeholderData: keepPreviousData } : {}),
  });

  useEffect(() => {
    const page = globalThis.document;
    let drawn: Document | undefined;
    const judge = (): void => {
      if (page.hidden) return;
      const judged = freshnessOf(stream.snapshot, Date.now());
      setFreshness((before) => (isSameFreshness(before, judged) ? before : judged));
    };
    const draw = (): void => {
      if (page.hidden) return;
      const heard = stream.snapshot.document;
      if (heard !== undefined && heard !== drawn) queries.setQueryData(key, heard);
      drawn = heard;
      judge();
    };
    const turn = (): void => {
      if (leavesWhenHidden && page.hidden) stream.stop();
      else stream.start();
      // Seen again: perhaps somebody signed in meanwhile, in another tab.
      if (!page.hidden && stream.snapshot.link.state === 'refused') stream.restart();
      draw();
    };
    const online = (): void => stream.restart();
    const forget = stream.subscribe(draw);
    page.addEventListener('visibilitychange', turn);
    globalThis.addEventListener('online', online);
    const timer = setInterval(judge, JUDGE_EVERY_MS);
    turn();
    return () => {
      clearInterval(timer);
      globalThis.removeEventListener('online', online);
      page.removeEventListener('visibilitychange', turn);
      forget();
      stream.stop();
    };
  }, [stream, key, queries, leavesWhenHidden]);

  const restart = useCallback(() => stream.restart(), [stream]);
  return { document, freshness, restart };
}
