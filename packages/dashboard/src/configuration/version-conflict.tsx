import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { momentText } from '../format/time.ts';
import { api } from '../session/api.ts';
import { DifferenceTable } from './difference-table.tsx';
import type { ConfigScope } from './use-configuration.ts';

interface VersionConflictProps {
  readonly scope: ConfigScope;
  readonly base: number;
  readonly newest: number;
  readonly unitOf: (key: string) => string | undefined;
  readonly onGoOn: () => void;
}

/** Somebody else made a version meanwhile: what they changed is looked at before one goes on from it. */
export function VersionConflict({ scope, base, newest, unitOf, onGoOn }: VersionConflictProps): ReactElement {
  const { data } = useQuery({
    queryKey: ['configuration-conflict', scope.service, base, newest],
    queryFn: async ({ signal }) => {
      const [diff, version] = await Promise.all([
        api.diffConfigVersions(base, { ...scope.service, to: newest }, { signal }),
        api.getConfigVersion(newest, scope.service, { signal }),
      ]);
      return { diff, version };
    },
  });
  return (
    <section className="conflict" role="alert" aria-labelledby="conflict-title">
      <h3 id="conflict-title">
        Version {newest} was made meanwhile
        {data !== undefined && ` by ${data.version.author}, ${momentText(Date.parse(data.version.at), 0)}`}
      </h3>
      <p>
        {data !== undefined && data.version.note !== '' && <q>{data.version.note}</q>} Your change is based on version{' '}
        {base}. This is what the others changed; yours, above, is put on top of it.
      </p>
      {data !== undefined && (
        <DifferenceTable differences={data.diff.differences} unitOf={unitOf} label="What others changed meanwhile" />
      )}
      <Button type="button" variant="default" size="sm" onClick={onGoOn}>
        Go on from version {newest}
      </Button>
    </section>
  );
}
