import { type ReactElement, useState, useSyncExternalStore } from 'react';
import { LimitNotes } from '../overview/limit-notes.tsx';
import { PageLink } from '../shell/page-link.tsx';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { type Draft, entriesOf, keptOf, valueText } from './draft.ts';
import { DraftsElsewhere } from './drafts-elsewhere.tsx';
import { keepDraft, onDraftsChange, readDrafts } from './kept-drafts.ts';
import { PresetsPart } from './presets-part.tsx';
import type { Made, Proposal } from './proposal.ts';
import { ReviewDialog } from './review-dialog.tsx';
import { RolloutPanel } from './rollout-panel.tsx';
import { SettingsPart } from './settings-part.tsx';
import { TransferPart } from './transfer-part.tsx';
import { useConfigInstances, useConfigScope, useConfiguration } from './use-configuration.ts';
import { VersionsPart } from './versions-part.tsx';
import '../overview/overview.css';
import '../overview/tables.css';
import '../range/range-control.css';
import './configuration.css';

const parts = [
  { part: '', label: 'Settings' },
  { part: 'versions', label: 'Versions' },
  { part: 'presets', label: 'Presets' },
  { part: 'transfer', label: 'Export and import' },
] as const;

/** After a change the instances are asked often for so long. */
const WATCHED_MS = 15_000;

/** Looks at the configuration and changes it: every part proposes, the dialog shows what that would do, the panel follows it. */
export function ConfigurationPage({ part }: { readonly part: string }): ReactElement {
  const scope = useConfigScope();
  const key = JSON.stringify(scope);
  const drafts = useSyncExternalStore(onDraftsChange, readDrafts);
  // What was there when the page was opened is said to be.
  const [openedWith] = useState(drafts);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [made, setMade] = useState<Made | null>(null);
  const { data: configuration, failure, refresh } = useConfiguration(scope);
  const watched = made?.change.version?.version ?? 0;
  const [watchedUntil, setWatchedUntil] = useState(0);
  const { data: instances, refresh: refreshInstances } = useConfigInstances(scope, watchedUntil);

  if (failure !== null) {
    return <ProblemPanel title="The configuration can not be shown" failure={failure} onRetry={refresh} />;
  }
  const entries = new Map(
    configuration === undefined ? [] : entriesOf(configuration).map(({ key: name, setting }) => [name, setting]),
  );
  const unitOf = (setting: string): string | undefined => entries.get(setting)?.unit;
  const now = (setting: string): string | undefined => {
    const known = entries.get(setting);
    return known === undefined ? undefined : valueText(known.value, known.unit);
  };
  const setDraft = (draft: Draft | null): void => keepDraft(key, draft, Date.now());
  const follow = (next: Made): void => {
    // An undo is no draft: what somebody is typing meanwhile stays.
    if (proposal !== null && part === '') setDraft(null);
    setProposal(null);
    setMade(next);
    setWatchedUntil(Date.now() + WATCHED_MS);
    refresh();
    refreshInstances();
  };
  const known = parts.some((one) => one.part === part);
  return (
    <div className="overview config-page" aria-busy={configuration === undefined}>
      <header className="config-head">
        <h1 tabIndex={-1}>Configuration{scope.instance === null ? '' : ` of ${scope.instance}`}</h1>
        {configuration !== undefined && (
          <p className="numbers">
            {configuration.version === 0 ? 'Nothing has been changed yet' : `Version ${configuration.version}`}
            {configuration.preset === null ? '' : `, on the preset ${configuration.preset}`}
          </p>
        )}
        <nav aria-label="Parts of the configuration" className="config-parts">
          <ul>
            {parts.map((one) => (
              <li key={one.part}>
                <PageLink
                  to={one.part === '' ? '/configuration' : `/configuration/${one.part}`}
                  {...(one.part === part ? { 'aria-current': 'page' as const } : {})}
                >
                  {one.label}
                </PageLink>
              </li>
            ))}
          </ul>
        </nav>
      </header>
      {configuration !== undefined && (
        <>
          <DraftsElsewhere drafts={drafts} open={part === '' ? key : null} />
          <LimitNotes notes={notesOf(configuration)} overflow={{}} isLoud />
          {made !== null && (
            <RolloutPanel
              key={watched}
              made={made}
              scope={scope}
              instances={instances}
              onMade={follow}
              onClose={() => setMade(null)}
            />
          )}
          {part === '' && (
            <SettingsPart
              key={key}
              {...{ scope, configuration, instances }}
              draft={keptOf(drafts.get(key) ?? null, entries)}
              keptAt={openedWith.get(key)?.keptAt ?? null}
              onDraft={setDraft}
              onPropose={setProposal}
            />
          )}
          {part === 'versions' && <VersionsPart {...{ scope, configuration, unitOf }} onPropose={setProposal} />}
          {part === 'presets' && <PresetsPart {...{ scope, configuration, unitOf }} onPropose={setProposal} />}
          {part === 'transfer' && <TransferPart {...{ scope, configuration }} onPropose={setProposal} />}
          {!known && <p className="card-empty card">The configuration has no part of this name.</p>}
        </>
      )}
      {proposal !== null && (
        <ReviewDialog
          key={proposal.title}
          proposal={proposal}
          scope={scope}
          unitOf={unitOf}
          now={now}
          onClose={() => setProposal(null)}
          onMade={follow}
        />
      )}
    </div>
  );
}

function notesOf({
  notes,
  unknown,
  canChange,
}: {
  readonly notes: readonly string[];
  readonly unknown: readonly string[];
  readonly canChange: boolean;
}): readonly string[] {
  return [
    ...notes,
    ...(unknown.length === 0 ? [] : [`Set, and known to no setting of this release: ${unknown.join(', ')}.`]),
    ...(canChange ? [] : ['You can look at it; changing it needs the scope admin.']),
  ];
}
