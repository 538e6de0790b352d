import { useQuery } from '@tanstack/react-query';
import type { ConfigInstanceList, Configuration, EpochMs } from '@teamflow/autopilot/contract';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { useSelection } from '../shell/use-selection.ts';

/** Which service the page is about, as calls are told. */
export interface ConfigScope {
  readonly service: { readonly service?: string };
  /** Whose override is looked at; null: the fleet's values. */
  readonly instance: string | null;
}

interface Asked<Answer> {
  readonly data: Answer | undefined;
  /** Why there is none; null while there is one, or the first is awaited. */
  readonly failure: StreamFailure | null;
  readonly refresh: () => void;
}

const ASK_EVERY_MS = 5_000;
/** While a change is on its way. */
const ASK_SOON_MS = 400;

/** The service and instance that the address names. */
export function useConfigScope(): ConfigScope {
  const { service, instance } = useSelection();
  return { service: service === null ? {} : { service }, instance };
}

/** The effective settings, asked again every 5 s: others change them too. */
export function useConfiguration({ service, instance }: ConfigScope): Asked<Configuration> {
  const query = { ...service, ...(instance === null ? {} : { instance }) };
  const { data, error, refetch } = useQuery({
    queryKey: ['configuration', query],
    queryFn: ({ signal }) => api.getConfig(query, { signal }),
    refetchInterval: ASK_EVERY_MS,
  });
  return askedOf(data, error, refetch);
}

/** What each instance runs; asked often until `watchedUntil`. */
export function useConfigInstances({ service }: ConfigScope, watchedUntil: EpochMs): Asked<ConfigInstanceList> {
  const { data, error, refetch } = useQuery({
    queryKey: ['configuration-instances', service],
    queryFn: ({ signal }) => api.listConfigInstances(service, { signal }),
    refetchInterval: () => (Date.now() < watchedUntil ? ASK_SOON_MS : ASK_EVERY_MS),
  });
  return askedOf(data, error, refetch);
}

function askedOf<Answer>(
  data: Answer | undefined,
  error: Error | null,
  refetch: () => Promise<unknown>,
): Asked<Answer> {
  return {
    data,
    failure: error !== null && data === undefined ? failureOf(error) : null,
    refresh: () => void refetch(),
  };
}
