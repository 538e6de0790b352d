import { Button } from '@mantine/core';
import type { TrialHead } from '@teamflow/autopilot/contract';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import {
  applyText,
  type DraftValue,
  entriesOf,
  patchOf,
  type SettingEntry,
  valueText,
} from '../configuration/draft.ts';
import { SettingField } from '../configuration/setting-field.tsx';
import { useConfigInstances, useConfiguration } from '../configuration/use-configuration.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { goTo } from '../shell/page-link.tsx';
import '../configuration/configuration.css';

interface TrySettingProps {
  readonly about: { readonly service?: string };
}

/** Tries a setting of the application, or looks for a better value of it; opened when somebody wants to. */
export function TrySetting({ about }: TrySettingProps): ReactElement {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details className="card tuning-card" open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary className="card-title">Try a setting</summary>
      {isOpen && <TryForm about={about} />}
    </details>
  );
}

/** What can be tried: settings of the application that need no restart. */
function isTriable({ setting: { on, apply, kind } }: SettingEntry): boolean {
  return on === 'agent' && apply !== 'restart' && kind !== 'texts';
}

function TryForm({ about }: TrySettingProps): ReactElement {
  const scope = { service: about, instance: null };
  const { data, failure } = useConfiguration(scope);
  const instances = useConfigInstances(scope, 0).data?.instances ?? [];
  const [key, setKey] = useState<string | null>(null);
  const [draft, setDraft] = useState<DraftValue | undefined>();
  const [instance, setInstance] = useState('');
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  if (failure !== null) return <p className="load-trouble">{failure.detail}</p>;
  if (data === undefined) return <p className="load-quiet">Reading the settings …</p>;
  if (!data.canChange) return <p className="load-quiet">Trying a setting takes the scope to change it.</p>;
  const entries = entriesOf(data).filter(isTriable);
  const entry = entries.find((one) => one.key === key) ?? entries[0];
  if (entry === undefined) return <p className="load-quiet">There is no setting that could be tried.</p>;
  const { setting } = entry;
  const begin = (ask: () => Promise<TrialHead>): void => {
    setIsAsking(true);
    setTrouble(null);
    ask().then(
      (trial) => goTo(`/tuning/${trial.id}`),
      (error: unknown) => {
        const { detail, problem } = failureOf(error);
        setTrouble(`${detail} ${problem?.remedy ?? ''}`);
        setIsAsking(false);
      },
    );
  };
  const tryIt = (event: SubmitEvent): void => {
    event.preventDefault();
    if (draft?.state !== 'usable') return;
    const patch = patchOf({ base: data.version, values: new Map([[entry.key, draft]]) });
    begin(() => api.trySettings(patch, { ...about, ...(instance === '' ? {} : { instance }) }));
  };
  const isNumber = setting.kind === 'integer' || setting.kind === 'number';
  return (
    <form className="tuning-card tuning-try" onSubmit={tryIt}>
      <div className="load-fields">
        <label>
          <span>Setting</span>
          <select
            className="bar-select"
            value={entry.key}
            onChange={(event) => {
              setKey(event.target.value);
              setDraft(undefined);
            }}
          >
            {entries.map((one) => (
              <option key={one.key} value={one.key}>
                {one.key}
              </option>
            ))}
          </select>
        </label>
        <div>
          <span>Value to try</span>
          <SettingField entry={entry} draft={draft} onChange={setDraft} />
        </div>
        {instances.length > 1 && (
          <label>
            <span>On</span>
            <select className="bar-select" value={instance} onChange={(event) => setInstance(event.target.value)}>
              <option value="">all instances, one of them first, against the others</option>
              {instances.map((one) => (
                <option key={one.instance} value={one.instance}>
                  {one.instance} alone, against the others
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <p className="load-quiet">
        {setting.description} Now {valueText(setting.value, setting.unit)}; a new value applies{' '}
        {applyText(setting.apply)}. It is judged by the time of the dearest routes, and taken back unless it helps.
      </p>
      {trouble !== null && (
        <p role="alert" className="load-trouble">
          {trouble}
        </p>
      )}
      <div className="load-actions">
        <Button size="xs" type="submit" loading={isAsking} disabled={draft?.state !== 'usable'}>
          Try it
        </Button>
        {isNumber && (
          <Button
            size="xs"
            variant="default"
            disabled={isAsking}
            onClick={() => begin(() => api.trySettings({}, { ...about, search: entry.key }))}
          >
            Look for a better value
          </Button>
        )}
      </div>
    </form>
  );
}
