import { Button } from '@mantine/core';
import type { Configuration } from '@teamflow/autopilot/contract';
import { type ChangeEvent, type ReactElement, useState } from 'react';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { saveFile } from '../save/save-file.ts';
import { api } from '../session/api.ts';
import type { Proposal } from './proposal.ts';
import type { ConfigScope } from './use-configuration.ts';

interface TransferPartProps {
  readonly scope: ConfigScope;
  readonly configuration: Configuration;
  readonly onPropose: (proposal: Proposal) => void;
}

/** Every setting as a document, out and in. */
export function TransferPart({ scope, configuration, onPropose }: TransferPartProps): ReactElement {
  return (
    <div className="transfer-grid">
      <ExportCard scope={scope} />
      {configuration.canChange && <ImportCard scope={scope} base={configuration.version} onPropose={onPropose} />}
    </div>
  );
}

function ExportCard({ scope }: { readonly scope: ConfigScope }): ReactElement {
  const [failure, setFailure] = useState<StreamFailure | null>(null);
  const save = async (format: 'yaml' | 'json'): Promise<void> => {
    setFailure(null);
    try {
      const text = await api.exportConfig(format, scope.service);
      saveFile(`autopilot-config.${format}`, `application/${format}`, text);
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  return (
    <section className="card" aria-labelledby="export-title">
      <header className="card-head">
        <h2 className="card-title" id="export-title">
          Export
        </h2>
      </header>
      <div className="transfer-body">
        <p>
          Every setting as a document: to keep, to compare, or to import elsewhere. YAML has the descriptions as
          comments. Settings hold no secrets.
        </p>
        {failure !== null && (
          <p role="alert" className="review-problem">
            {failure.detail}
          </p>
        )}
        <div className="config-actions">
          {(['yaml', 'json'] as const).map((format) => (
            <Button
              key={format}
              size="sm"
              variant="default"
              onClick={() => {
                void save(format);
              }}
            >
              Save as {format.toUpperCase()}
            </Button>
          ))}
        </div>
      </div>
    </section>
  );
}

interface ImportCardProps {
  readonly scope: ConfigScope;
  readonly base: number;
  readonly onPropose: (proposal: Proposal) => void;
}

function ImportCard({ scope, base, onPropose }: ImportCardProps): ReactElement {
  const [text, setText] = useState('');
  const choose = async (event: ChangeEvent<HTMLInputElement>): Promise<void> => {
    const file = event.target.files?.[0];
    if (file !== undefined) setText(await file.text());
  };
  const propose = (): void => {
    const document = { format: text.trimStart().startsWith('{') ? ('json' as const) : ('yaml' as const), text };
    onPropose({
      title: 'Import settings',
      verb: 'Import',
      base,
      note: 'Imported',
      check: (signal) => api.checkConfigImport(document, scope.service, { signal }),
      make: (note, ifVersion) => api.importConfig(document, { ...scope.service, note, ifVersion }),
    });
  };
  return (
    <section className="card" aria-labelledby="import-title">
      <header className="card-head">
        <h2 className="card-title" id="import-title">
          Import
        </h2>
      </header>
      <div className="transfer-body">
        <p>
          Makes the effective values those of a document that was exported here or elsewhere. What it would change is
          shown first.
        </p>
        <label htmlFor="import-file">
          A file
          <input
            id="import-file"
            type="file"
            accept=".yaml,.yml,.json,application/json,application/yaml"
            onChange={(event) => {
              void choose(event);
            }}
          />
        </label>
        <label htmlFor="import-text">
          or its text
          <textarea
            id="import-text"
            rows={10}
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <div className="config-actions">
          <Button size="sm" disabled={text.trim() === ''} onClick={propose}>
            See what it changes
          </Button>
        </div>
      </div>
    </section>
  );
}
