import { Button } from '@mantine/core';
import type { ConfigInstanceList } from '@teamflow/autopilot/contract';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { progressOf } from './instance-standing.ts';
import type { Made } from './proposal.ts';
import type { ConfigScope } from './use-configuration.ts';

interface RolloutPanelProps {
  readonly made: Made;
  readonly scope: ConfigScope;
  readonly instances: ConfigInstanceList | undefined;
  readonly onMade: (made: Made) => void;
  readonly onClose: () => void;
}

/** Follows a change that was made: who has it, who refuses it, and the way back in one press. */
export function RolloutPanel({ made, scope, instances, onMade, onClose }: RolloutPanelProps): ReactElement | null {
  const { version } = made.change;
  const panel = useRef<HTMLElement>(null);
  const [isUndoing, setUndoing] = useState(false);
  const [failure, setFailure] = useState<StreamFailure | null>(null);
  useEffect(() => panel.current?.focus(), []);
  if (version === null) return null;
  const { done, all } = progressOf(instances, version.version);
  const undo = async (): Promise<void> => {
    setUndoing(true);
    setFailure(null);
    try {
      const query = { ...scope.service, ifVersion: version.version, note: `Takes back version ${version.version}` };
      onMade({ change: await api.restoreConfigVersion(made.before, query), before: version.version });
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setUndoing(false);
    }
  };
  return (
    <section ref={panel} tabIndex={-1} className="card rollout" aria-labelledby="rollout-title">
      <div className="rollout-words">
        <h2 className="card-title" id="rollout-title">
          Version {version.version}
          {version.note === '' ? '' : `: ${version.note}`}
        </h2>
        <p role="status" className="numbers">
          {done === all && all > 0 ? `All ${all} live instances run it.` : `${done} of ${all} live instances run it …`}
        </p>
        <progress value={done} max={Math.max(1, all)} aria-label="Instances that run the new version" />
        {failure !== null && (
          <p role="alert" className="review-problem">
            {failure.detail} {failure.problem?.remedy}
          </p>
        )}
      </div>
      <div className="rollout-actions">
        <Button
          size="sm"
          variant="default"
          loading={isUndoing}
          onClick={() => {
            void undo();
          }}
        >
          Undo
        </Button>
        <button type="button" className="quiet-button" onClick={onClose}>
          Close
        </button>
      </div>
    </section>
  );
}
