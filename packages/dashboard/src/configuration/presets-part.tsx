import { Button, Switch, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ConfigPreset, Configuration } from '@teamflow/autopilot/contract';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { entriesOf, valueText } from './draft.ts';
import type { Proposal } from './proposal.ts';
import type { ConfigScope } from './use-configuration.ts';

interface PresetsPartProps {
  readonly scope: ConfigScope;
  readonly configuration: Configuration;
  readonly unitOf: (key: string) => string | undefined;
  readonly onPropose: (proposal: Proposal) => void;
}

/** The presets, each value with its reason; what one would change is shown before it is applied. */
export function PresetsPart({ scope, configuration, unitOf, onPropose }: PresetsPartProps): ReactElement {
  const [clears, setClears] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ['configuration-presets', scope.service, configuration.version],
    queryFn: ({ signal }) => api.listConfigPresets(scope.service, { signal }),
    placeholderData: (before) => before,
  });
  const again = (): void => void refetch();
  if (error !== null && data === undefined) {
    return <ProblemPanel title="The presets can not be shown" failure={failureOf(error)} onRetry={again} />;
  }
  const propose = ({ name }: ConfigPreset): void => {
    const query = { ...scope.service, ...(clears ? { clearOverrides: true } : {}) };
    onPropose({
      title: `Apply the preset ${name}`,
      verb: 'Apply',
      base: configuration.version,
      note: `Applies the preset ${name}`,
      check: (signal) => api.checkConfigPreset(name, query, { signal }),
      make: (note, ifVersion) => api.applyConfigPreset(name, { ...query, note, ifVersion }),
    });
  };
  return (
    <>
      <p className="config-lead">
        A preset lies under everything else that is set, so applying one changes nothing that somebody set on purpose.
      </p>
      {configuration.canChange && (
        <Switch
          label="Also take back what fleet and instances set over the preset's values"
          checked={clears}
          onChange={(event) => setClears(event.currentTarget.checked)}
        />
      )}
      <div className="preset-grid">
        {(data?.presets ?? []).map((preset) => (
          <section key={preset.name} className="card preset" aria-labelledby={`preset-${preset.name}`}>
            <header className="card-head">
              <h2 className="card-title" id={`preset-${preset.name}`}>
                {preset.name}
              </h2>
              {data?.applied === preset.name && (
                <span className="mark" data-layer="preset">
                  applied last
                </span>
              )}
              {!preset.builtIn && <span className="mark">your own</span>}
            </header>
            <p className="preset-about">{preset.description}</p>
            <dl className="preset-values numbers">
              {preset.settings.map(({ key, value, because }) => (
                <div key={key}>
                  <dt>
                    <code>{key}</code> {valueText(value, unitOf(key))}
                  </dt>
                  <dd>{because}</dd>
                </div>
              ))}
            </dl>
            {configuration.canChange && (
              <div className="config-actions">
                <Button
                  size="compact-xs"
                  aria-label={`See what it changes: ${preset.name}`}
                  onClick={() => propose(preset)}
                >
                  See what it changes
                </Button>
                {!preset.builtIn && <RemovePreset name={preset.name} scope={scope} onRemoved={again} />}
              </div>
            )}
          </section>
        ))}
      </div>
      {configuration.canChange && <OwnPreset scope={scope} configuration={configuration} onKept={again} />}
    </>
  );
}

interface RemovePresetProps {
  readonly name: string;
  readonly scope: ConfigScope;
  readonly onRemoved: () => void;
}

/** Asks once more: a preset that is removed is gone. What it has set stays. */
function RemovePreset({ name, scope, onRemoved }: RemovePresetProps): ReactElement {
  const [isAsked, setAsked] = useState(false);
  const [failure, setFailure] = useState<StreamFailure | null>(null);
  const remove = async (): Promise<void> => {
    try {
      await api.deleteConfigPreset(name, scope.service);
      onRemoved();
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  return (
    <>
      <Button
        size="compact-xs"
        variant="default"
        aria-label={isAsked ? `Remove for good? ${name}` : `Remove ${name}`}
        onBlur={() => setAsked(false)}
        onClick={() => {
          if (isAsked) void remove();
          else setAsked(true);
        }}
      >
        {isAsked ? 'Remove for good?' : 'Remove'}
      </Button>
      {failure !== null && <p role="alert">{failure.detail}</p>}
    </>
  );
}

interface OwnPresetProps {
  readonly scope: ConfigScope;
  readonly configuration: Configuration;
  readonly onKept: () => void;
}

/** Keeps what the fleet sets now under a name. */
function OwnPreset({ scope, configuration, onKept }: OwnPresetProps): ReactElement {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [because, setBecause] = useState('');
  const [failure, setFailure] = useState<StreamFailure | null>(null);
  const set = entriesOf(configuration).flatMap(({ key, setting }) => {
    const ofFleet = setting.layers.find(({ layer }) => layer === 'fleet');
    return ofFleet === undefined ? [] : [{ key, value: ofFleet.value }];
  });
  const keep = async (): Promise<void> => {
    setFailure(null);
    try {
      const settings = set.map(({ key, value }) => ({ key, value, because: because.trim() }));
      await api.putConfigPreset(name.trim(), { description: description.trim(), settings }, scope.service);
      setName('');
      setDescription('');
      setBecause('');
      onKept();
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void keep();
  };
  return (
    <section className="card" aria-labelledby="own-preset-title">
      <header className="card-head">
        <h2 className="card-title" id="own-preset-title">
          A preset of your own
        </h2>
      </header>
      {set.length === 0 ? (
        <p className="card-empty">Change settings of the fleet first: a preset keeps what the fleet sets.</p>
      ) : (
        <form className="own-preset" onSubmit={submit}>
          <p className="config-quiet">It keeps what the fleet sets now: {set.map(({ key }) => key).join(', ')}.</p>
          <TextInput
            label="Name"
            description="Small letters, digits and dashes"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label="What it is for"
            required
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <TextInput
            label="Why these values"
            required
            value={because}
            onChange={(event) => setBecause(event.currentTarget.value)}
          />
          {failure !== null && (
            <p role="alert" className="review-problem">
              {failure.detail} {failure.problem?.remedy}
            </p>
          )}
          <div>
            <Button type="submit" size="sm">
              Keep it
            </Button>
          </div>
        </form>
      )}
    </section>
  );
}
