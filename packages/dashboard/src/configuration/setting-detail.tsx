import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ConfigSettingChange, EffectiveSetting } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { applyText, type DraftValue, type SettingEntry, valueHint, valueText } from './draft.ts';
import { SettingField } from './setting-field.tsx';
import type { ConfigScope } from './use-configuration.ts';

interface SettingDetailProps {
  readonly entry: SettingEntry;
  readonly scope: ConfigScope;
  readonly draft: DraftValue | undefined;
  readonly canChange: boolean;
  readonly version: number;
  readonly onChange: (value: DraftValue | null) => void;
}

/** Changes shown of one setting. */
const HISTORY_LENGTH = 8;

/** The field of a setting, all that is declared of it, what each layer says, and how it came to its value. */
export function SettingDetail({ entry, scope, draft, canChange, version, onChange }: SettingDetailProps): ReactElement {
  const { key, setting } = entry;
  const layer = scope.instance === null ? 'fleet' : 'instance';
  const isSetHere = setting.layers.some((one) => one.layer === layer);
  return (
    <div className="setting-detail">
      {canChange && (
        <div className="setting-edit">
          <SettingField entry={entry} draft={draft} onChange={onChange} />
          <div className="setting-edit-actions">
            {isSetHere && (
              <Button
                size="compact-xs"
                variant="default"
                title={`Nothing is said by the ${layer} any more: what lies under it counts again`}
                onClick={() => onChange({ state: 'usable', value: null })}
              >
                Take back
              </Button>
            )}
            {draft !== undefined && (
              <Button size="compact-xs" variant="default" onClick={() => onChange(null)}>
                Discard this change
              </Button>
            )}
          </div>
        </div>
      )}
      <dl className="setting-facts numbers">
        {factsOf(setting).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <SettingHistory settingKey={key} unit={setting.unit} scope={scope} version={version} />
    </div>
  );
}

function factsOf(setting: EffectiveSetting): readonly (readonly [label: string, value: string])[] {
  const { unit, min, max, values, apply, risk, on, variable, layers } = setting;
  const withHint = (value: EffectiveSetting['value']): string => {
    const hint = valueHint(value, unit);
    return hint === null ? valueText(value, unit) : `${valueText(value, unit)} (${hint})`;
  };
  return [
    ['Default', withHint(setting.default)],
    ...(min === undefined || max === undefined
      ? []
      : ([['Range', `${valueText(min)} to ${valueText(max)} ${unit ?? ''}`]] as const)),
    ...(values === undefined ? [] : ([['One of', values.join(', ')]] as const)),
    ['Takes effect', applyText(apply)],
    ['Risk', risk],
    ['Read by', on === 'agent' ? 'each instance' : 'the control plane'],
    ['Environment', variable],
    ...layers
      .filter(({ layer }) => layer !== 'default')
      .map((one) => [`Said by the ${one.layer}`, withHint(one.value)] as const),
  ];
}

function SettingHistory({
  settingKey,
  unit,
  scope,
  version,
}: {
  readonly settingKey: string;
  readonly unit: string | undefined;
  readonly scope: ConfigScope;
  readonly version: number;
}): ReactElement {
  const query = { ...scope.service, setting: settingKey, limit: HISTORY_LENGTH };
  const { data, error } = useQuery({
    // A version that is made may be one more of them.
    queryKey: ['configuration-history', query, version],
    queryFn: ({ signal }) => api.getConfigHistory(query, { signal }),
    placeholderData: (before) => before,
  });
  return (
    <div className="setting-history">
      <h3>History</h3>
      {error !== null && <p className="config-quiet">{failureOf(error).detail}</p>}
      {data !== undefined && data.changes.length === 0 && (
        <p className="config-quiet">No version that is kept has changed it.</p>
      )}
      <ol>
        {(data?.changes ?? []).map((change) => (
          <li key={`${change.version} ${change.layer} ${change.instance ?? ''}`}>{historyText(change, unit)}</li>
        ))}
      </ol>
    </div>
  );
}

function historyText(change: ConfigSettingChange, unit: string | undefined): ReactElement {
  const { version, at, author, note, layer, instance, before, after } = change;
  return (
    <>
      <span className="numbers">
        <strong>{version}</strong> {valueText(before, unit)} → {valueText(after, unit)}
        {layer === 'fleet' ? '' : ` (${instance ?? layer})`}
      </span>{' '}
      <span className="config-quiet">
        {author}, {momentText(Date.parse(at), 0)}
        {note !== '' && (
          <>
            : <q>{note}</q>
          </>
        )}
      </span>
    </>
  );
}
