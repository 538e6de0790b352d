import { useQuery } from '@tanstack/react-query';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { useRangeView } from '../range/range-view.tsx';
import { useSelection } from '../shell/use-selection.ts';

/** The control plane reads a database no more often than this; asking more often would answer the same. */
const ASK_EVERY_MS = 15_000;

/** Which database is asked about, and whose application's side of it. */
export interface AskedDatabase {
  readonly service?: string;
  readonly database?: string;
}

/** What the pages about databases ask about, as the address says. */
export function useAskedDatabase(): AskedDatabase {
  const { asked } = useRangeView();
  const { database } = useSelection();
  return {
    ...(asked.service === undefined ? {} : { service: asked.service }),
    ...(database === null ? {} : { database }),
  };
}

interface Asked<Answer> {
  readonly data: Answer | undefined;
  /** null: there is an answer, if an old one, or it is on its way. */
  readonly failure: StreamFailure | null;
  readonly retry: () => void;
}

/** Asks about the watched database now and again; `name` stands for what `ask` asks. `everyMs`: null is as usual. */
export function useDatabase<Answer>(
  name: string,
  ask: (query: AskedDatabase, options: { readonly signal: AbortSignal }) => Promise<Answer>,
  /** ms until it is asked again, by what came last; null: as usual. */
  everyMs: (answer: Answer | undefined) => number | null = () => null,
): Asked<Answer> {
  const query = useAskedDatabase();
  const { data, error, refetch } = useQuery({
    queryKey: ['database', name, query],
    queryFn: ({ signal }) => ask(query, { signal }),
    refetchInterval: ({ state }) => everyMs(state.data) ?? ASK_EVERY_MS,
    placeholderData: (before) => before,
  });
  return {
    data,
    failure: error === null || data !== undefined ? null : failureOf(error),
    retry: () => void refetch(),
  };
}
