import { Button, TextInput } from '@mantine/core';
import type { ConfigInstanceList, Configuration, EpochMs } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { momentText } from '../format/time.ts';
import { filteredRows } from '../overview/row-order.ts';
import { api } from '../session/api.ts';
import { SearchIcon } from '../shell/icons.tsx';
import { countOf, type Draft, type DraftValue, entriesOf, isUsable, patchOf, withChange } from './draft.ts';
import { InstanceStates } from './instance-states.tsx';
import type { Proposal } from './proposal.ts';
import { SettingRow } from './setting-row.tsx';
import type { ConfigScope } from './use-configuration.ts';

interface SettingsPartProps {
  readonly scope: ConfigScope;
  readonly configuration: Configuration;
  readonly instances: ConfigInstanceList | undefined;
  readonly draft: Draft | null;
  /** When the draft was left that the page was opened with; null: there was none. */
  readonly keptAt: EpochMs | null;
  readonly onDraft: (draft: Draft | null) => void;
  readonly onPropose: (proposal: Proposal) => void;
}

/** Every setting by group, with a filter; changes gather in a draft and are looked at together. */
export function SettingsPart(props: SettingsPartProps): ReactElement {
  const { scope, configuration, instances, draft, keptAt, onDraft, onPropose } = props;
  const [filter, setFilter] = useState('');
  // Who comes back finds open what is being changed.
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(draft?.values.keys()));
  const entries = entriesOf(configuration);
  const found = filteredRows(entries, filter, ({ key, setting }) => `${key} ${setting.layer} ${setting.description}`);
  const groups = [...new Set(found.map(({ group }) => group))];
  const pendingIn = (key: string): readonly string[] =>
    (instances?.instances ?? []).flatMap(({ instance, pendingRestart }) =>
      pendingRestart.includes(key) ? [instance] : [],
    );
  const change = (key: string, value: DraftValue | null): void =>
    onDraft(withChange(draft, configuration.version, key, value));
  const toggle = (key: string): void => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  return (
    <div className="config-columns">
      <div className="config-main">
        <div className="config-filter">
          <TextInput
            id="setting-filter"
            className="table-filter"
            size="xs"
            aria-label="Filter settings"
            placeholder="Filter settings by name, layer or words"
            leftSection={<SearchIcon />}
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') setFilter('');
            }}
          />
          <span className="card-note numbers" role="status">
            {filter.trim() === '' ? `${entries.length} settings` : `${found.length} of ${entries.length} settings`}
          </span>
        </div>
        {groups.map((group) => (
          <section key={group} className="card" id={group} aria-labelledby={`group-${group}`}>
            <header className="card-head">
              <h2 className="card-title" id={`group-${group}`}>
                {group}
              </h2>
            </header>
            <ul className="setting-list">
              {found
                .filter((entry) => entry.group === group)
                .map((entry) => (
                  <SettingRow
                    key={entry.key}
                    entry={entry}
                    scope={scope}
                    draft={draft?.values.get(entry.key)}
                    canChange={configuration.canChange}
                    version={configuration.version}
                    pending={pendingIn(entry.key)}
                    isOpen={open.has(entry.key)}
                    onToggle={() => toggle(entry.key)}
                    onChange={(value) => change(entry.key, value)}
                  />
                ))}
            </ul>
          </section>
        ))}
        {found.length === 0 && <p className="card-empty card">No setting matches "{filter}".</p>}
        {draft !== null && (
          <DraftBar
            draft={draft}
            keptAt={keptAt}
            newest={configuration.version}
            onDiscard={() => onDraft(null)}
            onReview={() => onPropose(proposalOf(draft, scope))}
          />
        )}
      </div>
      <aside className="config-side" aria-label="State of the fleet">
        <InstanceStates list={instances} />
      </aside>
    </div>
  );
}

interface DraftBarProps {
  readonly draft: Draft;
  readonly keptAt: EpochMs | null;
  readonly newest: number;
  readonly onDiscard: () => void;
  readonly onReview: () => void;
}

function DraftBar({ draft, keptAt, newest, onDiscard, onReview }: DraftBarProps): ReactElement {
  const { size } = draft.values;
  const usable = isUsable(draft);
  return (
    <section className="draft-bar" aria-label="Changes that are not made yet">
      <p role="status">
        <strong className="numbers">{countOf(size)}</strong> not made yet
        {usable ? '' : '; what is marked can not be used'}
        {newest > draft.base ? `. Version ${newest} was made meanwhile` : ''}
        {keptAt === null ? '' : `. Kept in this tab since ${momentText(keptAt, 0)}`}
      </p>
      <Button size="sm" variant="default" onClick={onDiscard}>
        Discard
      </Button>
      <Button size="sm" disabled={!usable} onClick={onReview}>
        Review
      </Button>
    </section>
  );
}

function proposalOf(draft: Draft, { service, instance }: ConfigScope): Proposal {
  const patch = patchOf(draft);
  const query = { ...service, ...(instance === null ? {} : { instance }) };
  const where = instance === null ? 'of the fleet' : `of ${instance} alone`;
  return {
    title: `${countOf(draft.values.size)} ${where}`,
    verb: 'Apply',
    base: draft.base,
    note: '',
    check: (signal) => api.validateConfig(patch, query, { signal }),
    make: (note, ifVersion) => api.patchConfig(patch, { ...query, ifVersion, ...(note === '' ? {} : { note }) }),
  };
}
