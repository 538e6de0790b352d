import { Button } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { ConfigCause, Configuration } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { DifferenceTable } from './difference-table.tsx';
import type { Proposal } from './proposal.ts';
import type { ConfigScope } from './use-configuration.ts';

interface VersionsPartProps {
  readonly scope: ConfigScope;
  readonly configuration: Configuration;
  readonly unitOf: (key: string) => string | undefined;
  readonly onPropose: (proposal: Proposal) => void;
}

interface Pair {
  readonly from: number;
  readonly to: number;
}

const PAGE_LENGTH = 50;

/** The versions, newest first: what each did, what differs between any two, and a way back to each. */
export function VersionsPart({ scope, configuration, unitOf, onPropose }: VersionsPartProps): ReactElement {
  const newest = configuration.version;
  const [chosen, setChosen] = useState<Pair | null>(null);
  // The number of the newest is part of the key: a version that is made is in the list at once.
  const list = useInfiniteQuery({
    queryKey: ['configuration-versions', scope.service, newest],
    queryFn: ({ signal, pageParam }) =>
      api.listConfigVersions(
        { ...scope.service, limit: PAGE_LENGTH, ...(pageParam === null ? {} : { cursor: pageParam }) },
        { signal },
      ),
    // Typed, or every cursor after it would have to be null.
    initialPageParam: null as string | null,
    getNextPageParam: ({ page }) => page.next,
  });
  if (list.error !== null && list.data === undefined) {
    const again = (): void => void list.refetch();
    return <ProblemPanel title="The versions can not be shown" failure={failureOf(list.error)} onRetry={again} />;
  }
  const versions = list.data?.pages.flatMap((page) => page.versions) ?? [];
  const numbers = [...versions.map(({ version }) => version), 0];
  const pair = chosen ?? { from: Math.max(0, newest - 1), to: newest };
  const restore = (version: number): void =>
    onPropose({
      title: version === 0 ? 'Restore what was before the first version' : `Restore version ${version}`,
      verb: 'Restore',
      base: newest,
      note: `Restores version ${version}`,
      check: (signal) => api.checkConfigRestore(version, scope.service, { signal }),
      make: (note, ifVersion) => api.restoreConfigVersion(version, { ...scope.service, note, ifVersion }),
    });
  return (
    <>
      <section className="card" aria-labelledby="compare-title">
        <header className="card-head">
          <h2 className="card-title" id="compare-title">
            What differs
          </h2>
          <VersionSelect
            label="From version"
            value={pair.from}
            numbers={numbers}
            onChoose={(from) => setChosen({ ...pair, from })}
          />
          <VersionSelect
            label="To version"
            value={pair.to}
            numbers={numbers}
            onChoose={(to) => setChosen({ ...pair, to })}
          />
        </header>
        <VersionDifference scope={scope} pair={pair} unitOf={unitOf} />
      </section>
      <section className="card" aria-labelledby="versions-title" aria-busy={list.data === undefined}>
        <header className="card-head">
          <h2 className="card-title" id="versions-title">
            Versions
          </h2>
        </header>
        <ol className="version-list">
          {versions.map(({ version, at, author, cause, note, restored }) => (
            <li key={version} data-chosen={pair.to === version}>
              <span className="version-number numbers">{version}</span>
              <span className="version-words">
                {note === '' ? <em>no note</em> : note}
                <span className="config-quiet">
                  {author}, {momentText(Date.parse(at), 0)}, {causeText(cause, restored)}
                </span>
              </span>
              <span className="version-actions">
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-label={`Changes of version ${version}`}
                  onClick={() => setChosen({ from: version - 1, to: version })}
                >
                  Changes
                </Button>
                {configuration.canChange && version !== newest && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`Restore version ${version}`}
                    onClick={() => restore(version)}
                  >
                    Restore
                  </Button>
                )}
              </span>
            </li>
          ))}
        </ol>
        {list.data !== undefined && versions.length === 0 && (
          <p className="card-empty">Nothing has been changed yet.</p>
        )}
        <div className="config-actions">
          {list.hasNextPage && (
            <Button
              size="compact-xs"
              variant="default"
              loading={list.isFetchingNextPage}
              onClick={() => {
                void list.fetchNextPage();
              }}
            >
              Older versions
            </Button>
          )}
          {configuration.canChange && newest > 0 && !list.hasNextPage && (
            <Button size="compact-xs" variant="default" onClick={() => restore(0)}>
              Back to before the first
            </Button>
          )}
        </div>
      </section>
    </>
  );
}

interface VersionSelectProps {
  readonly label: string;
  readonly value: number;
  readonly numbers: readonly number[];
  readonly onChoose: (version: number) => void;
}

function VersionSelect({ label, value, numbers, onChoose }: VersionSelectProps): ReactElement {
  const all = numbers.includes(value) ? numbers : [...numbers, value].toSorted((a, b) => b - a);
  return (
    <select
      className="bar-select"
      aria-label={label}
      value={value}
      onChange={(event) => onChoose(Number(event.target.value))}
    >
      {all.map((version) => (
        <option key={version} value={version}>
          {version === 0 ? 'before the first' : `version ${version}`}
        </option>
      ))}
    </select>
  );
}

function VersionDifference({
  scope,
  pair: { from, to },
  unitOf,
}: {
  readonly scope: ConfigScope;
  readonly pair: Pair;
  readonly unitOf: (key: string) => string | undefined;
}): ReactElement {
  const { data, error } = useQuery({
    queryKey: ['configuration-diff', scope.service, from, to],
    queryFn: ({ signal }) => api.diffConfigVersions(from, { ...scope.service, to }, { signal }),
    // Versions never change.
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error !== null) return <p className="config-quiet">{failureOf(error).detail}</p>;
  if (data === undefined) return <p className="config-quiet">…</p>;
  return (
    <DifferenceTable differences={data.differences} unitOf={unitOf} label="What differs between the two versions" />
  );
}

function causeText(cause: ConfigCause, restored: number | null): string {
  switch (cause) {
    case 'person':
      return 'by hand';
    case 'preset':
      return 'a preset';
    case 'import':
      return 'an import';
    case 'restore':
      return restored === 0 ? 'back to the beginning' : `version ${restored} again`;
    case 'trial':
      return 'a trial';
  }
}
