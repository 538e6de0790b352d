import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { Profile, ProfileKind } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { momentText } from '../format/time.ts';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { useRangeView } from '../range/range-view.tsx';
import { api } from '../session/api.ts';
import { FlameGraph } from './flame-graph.tsx';
import './profile.css';

const lengths = [2, 5, 10, 30, 60];
const kinds: readonly { readonly kind: ProfileKind; readonly label: string }[] = [
  { kind: 'cpu', label: 'Processor time' },
  { kind: 'allocation', label: 'Memory taken' },
];

/** Profiles one instance on demand: where its time goes, or its memory, by route. */
export function ProfilePanel(): ReactElement {
  const { selection, document } = useRangeView();
  const queries = useQueryClient();
  const service = selection.service === null ? {} : { service: selection.service };
  const live = (document?.instances ?? []).filter(({ state }) => state === 'live').map((one) => one.instance);
  const [named, setNamed] = useState<string | null>(null);
  const [kind, setKind] = useState<ProfileKind>('cpu');
  const [seconds, setSeconds] = useState(10);
  const [chosen, setChosen] = useState<string | null>(null);
  const [failure, setFailure] = useState<StreamFailure | null>(null);
  const instance = selection.instance ?? named ?? live[0] ?? null;
  const list = useQuery({
    queryKey: ['profiles', service],
    queryFn: ({ signal }) => api.listProfiles(service, { signal }),
    refetchInterval: ({ state: { data } }) => (data?.profiles.some(({ state }) => state === 'running') ? 500 : 10_000),
  });
  const profiles = list.data?.profiles ?? [];
  const shown = profiles.find(({ id }) => id === chosen) ?? profiles[0];
  const { data: profile } = useQuery({
    // Its state is part of the key: the calls are asked for when they are there, and do not change any more.
    queryKey: ['profile', shown?.id, shown?.state],
    queryFn: ({ signal }) => api.getProfile(shown?.id ?? '', { signal }),
    enabled: shown?.state === 'done',
    staleTime: Number.POSITIVE_INFINITY,
  });
  const start = async (): Promise<void> => {
    setFailure(null);
    try {
      const query = { ...service, ...(instance === null ? {} : { instance }), kind, seconds };
      setChosen((await api.startProfile(query)).id);
      await queries.invalidateQueries({ queryKey: ['profiles'] });
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  return (
    <section className="card profile-card" id="profile" aria-labelledby="profile-title">
      <header className="card-head">
        <h2 className="card-title" id="profile-title">
          Profile
        </h2>
        {selection.instance === null && live.length > 1 && (
          <select
            className="bar-select"
            aria-label="Instance to profile"
            value={instance ?? ''}
            onChange={(event) => setNamed(event.target.value)}
          >
            {live.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
        <select
          className="bar-select"
          aria-label="What to profile"
          value={kind}
          onChange={(event) => setKind(kinds.find((one) => one.kind === event.target.value)?.kind ?? 'cpu')}
        >
          {kinds.map((one) => (
            <option key={one.kind} value={one.kind}>
              {one.label}
            </option>
          ))}
        </select>
        <select
          className="bar-select"
          aria-label="How long"
          value={seconds}
          onChange={(event) => setSeconds(Number(event.target.value))}
        >
          {lengths.map((length) => (
            <option key={length} value={length}>
              {length} s
            </option>
          ))}
        </select>
        <Button
          size="compact-sm"
          disabled={profiles.some((one) => one.state === 'running' && one.instance === instance)}
          onClick={() => {
            void start();
          }}
        >
          Start
        </Button>
        {profiles.length > 1 && (
          <select
            className="bar-select profile-choice"
            aria-label="Profile shown"
            value={shown?.id ?? ''}
            onChange={(event) => setChosen(event.target.value)}
          >
            {profiles.map((one) => (
              <option key={one.id} value={one.id}>
                {titleOf(one)}
              </option>
            ))}
          </select>
        )}
      </header>
      <div className="profile-body">
        {failure !== null && (
          <p role="alert">
            {failure.detail} {failure.problem?.remedy}
          </p>
        )}
        <p className="card-note" role="status">
          {statusOf(shown)}
        </p>
        {profile?.tree != null && (
          <>
            {profile.tree.notes.map((note) => (
              <p className="card-note" key={note}>
                {note}
              </p>
            ))}
            <FlameGraph key={profile.id} tree={profile.tree} kind={profile.kind} />
          </>
        )}
      </div>
    </section>
  );
}

function statusOf(shown: Profile | undefined): string {
  if (shown === undefined)
    return 'One instance is watched for some seconds, which costs it some of its speed meanwhile.';
  switch (shown.state) {
    case 'running':
      return `${titleOf(shown)}: it runs for ${shown.durationMs / 1_000} s …`;
    case 'failed':
      return `${titleOf(shown)}: ${shown.reason ?? ''}`;
    case 'done':
      return titleOf(shown);
  }
}

function titleOf({ kind, instance, startedAt, durationMs }: Profile): string {
  const label = kinds.find((one) => one.kind === kind)?.label ?? kind;
  return `${label} of ${instance}, ${momentText(Date.parse(startedAt), 0)}, ${durationMs / 1_000} s`;
}
