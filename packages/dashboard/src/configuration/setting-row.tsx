import type { ReactElement } from 'react';
import { ChevronIcon } from '../shell/icons.tsx';
import { applyText, type DraftValue, type SettingEntry, valueHint, valueText } from './draft.ts';
import { SettingDetail } from './setting-detail.tsx';
import type { ConfigScope } from './use-configuration.ts';

interface SettingRowProps {
  readonly entry: SettingEntry;
  readonly scope: ConfigScope;
  readonly draft: DraftValue | undefined;
  readonly canChange: boolean;
  /** The version on the screen. */
  readonly version: number;
  /** Instances in which its new value waits for a restart. */
  readonly pending: readonly string[];
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  readonly onChange: (value: DraftValue | null) => void;
}

/** One setting: its value and where that comes from, and on a press everything else, with a field to change it. */
export function SettingRow(props: SettingRowProps): ReactElement {
  const { entry, draft, pending, isOpen, onToggle } = props;
  const { key, name, setting } = entry;
  const detailId = `detail-${key}`;
  const hint = valueHint(setting.value, setting.unit);
  return (
    <li className="setting" data-changed={draft !== undefined} data-open={isOpen} id={`setting-${key}`}>
      <div className="setting-line">
        <button
          type="button"
          className="setting-name"
          aria-expanded={isOpen}
          aria-controls={detailId}
          aria-label={key}
          onClick={onToggle}
        >
          <ChevronIcon />
          <code>{name}</code>
        </button>
        <span className="setting-value numbers">
          {draft === undefined ? (
            <>
              {valueText(setting.value, setting.unit)}
              {hint !== null && <span className="unit"> {hint}</span>}
            </>
          ) : (
            <>
              <del>{valueText(setting.value, setting.unit)}</del> <ins>{draftText(draft, setting.unit)}</ins>
            </>
          )}
        </span>
        <span className="setting-marks">
          <span className="mark" data-layer={setting.layer}>
            {setting.layer}
          </span>
          {setting.apply !== 'live' && <span className="mark">{applyText(setting.apply)}</span>}
          {setting.risk !== 'low' && (
            <span className="mark" data-tone={setting.risk === 'high' ? 'bad' : 'warn'}>
              {setting.risk} risk
            </span>
          )}
          {pending.length > 0 && (
            <span className="mark" data-tone="warn" title={pending.join(', ')}>
              waits for a restart of {pending.length === 1 ? pending[0] : `${pending.length} instances`}
            </span>
          )}
        </span>
      </div>
      <p className="setting-about">{setting.description}</p>
      <div id={detailId}>{isOpen && <SettingDetail {...props} />}</div>
    </li>
  );
}

function draftText(draft: DraftValue, unit: string | undefined): string {
  if (draft.state === 'unusable') return draft.text === '' ? '(empty)' : draft.text;
  return draft.value === null ? 'taken back' : valueText(draft.value, unit);
}
