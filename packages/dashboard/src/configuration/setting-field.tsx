import { Switch, TextInput } from '@mantine/core';
import type { EffectiveSetting } from '@teamflow/autopilot/contract';
import { type ReactElement, useId } from 'react';
import { type DraftValue, fieldText, readText, type SettingEntry } from './draft.ts';

interface SettingFieldProps {
  readonly entry: SettingEntry;
  readonly draft: DraftValue | undefined;
  readonly onChange: (value: DraftValue) => void;
}

/** The field that the setting's kind asks for. */
export function SettingField({ entry: { key, setting }, draft, onChange }: SettingFieldProps): ReactElement {
  const id = useId();
  const text = draft === undefined ? fieldText(setting.value) : textOf(draft, setting);
  const trouble = draft?.state === 'unusable' ? draft.trouble : null;
  const read = (typed: string): void => onChange(readText(setting, typed));
  switch (setting.kind) {
    case 'boolean':
      return (
        <Switch
          label={text === 'true' ? 'On' : 'Off'}
          aria-label={key}
          checked={text === 'true'}
          onChange={(event) => read(String(event.currentTarget.checked))}
        />
      );
    case 'choice':
      return (
        <select className="bar-select" aria-label={key} value={text} onChange={(event) => read(event.target.value)}>
          {(setting.values ?? []).map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      );
    case 'texts':
      return (
        <div className="setting-lines">
          <label htmlFor={id}>One a line</label>
          <textarea id={id} rows={4} spellCheck={false} value={text} onChange={(event) => read(event.target.value)} />
        </div>
      );
    case 'integer':
    case 'number':
    case 'text':
      return (
        <TextInput
          className="setting-input"
          size="xs"
          label={setting.unit ?? 'Text'}
          aria-label={key}
          autoComplete="off"
          spellCheck={false}
          {...(setting.kind === 'text' ? {} : { inputMode: 'decimal' as const })}
          {...(setting.default === null ? { placeholder: "the application's own" } : {})}
          value={text}
          error={trouble}
          onChange={(event) => read(event.currentTarget.value)}
        />
      );
  }
}

function textOf(draft: DraftValue, setting: EffectiveSetting): string {
  if (draft.state === 'unusable') return draft.text;
  // Taken back: what lies under this layer is known when it is looked at; the default is what it is most often.
  return fieldText(draft.value ?? setting.default);
}
