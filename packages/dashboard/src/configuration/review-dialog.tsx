import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ConfigCheck } from '@teamflow/autopilot/contract';
import { type ReactElement, type SubmitEvent, useEffect, useRef, useState } from 'react';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { DifferenceTable } from './difference-table.tsx';
import type { Made, Proposal } from './proposal.ts';
import type { ConfigScope } from './use-configuration.ts';
import { VersionConflict } from './version-conflict.tsx';

interface ReviewDialogProps {
  readonly proposal: Proposal;
  readonly scope: ConfigScope;
  readonly unitOf: (key: string) => string | undefined;
  /** What the fleet runs now, in words. */
  readonly now: (key: string) => string | undefined;
  readonly onClose: () => void;
  readonly onMade: (made: Made) => void;
}

/** Shows what a change would do, in every instance, before it is made. The browser's own dialog: it keeps the focus. */
export function ReviewDialog({ proposal, scope, unitOf, now, onClose, onMade }: ReviewDialogProps): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  const [base, setBase] = useState(proposal.base);
  const [note, setNote] = useState(proposal.note);
  const [isMaking, setMaking] = useState(false);
  const [refusal, setRefusal] = useState<StreamFailure | null>(null);
  const {
    data: check,
    error,
    isFetching,
    refetch,
  } = useQuery({
    queryKey: ['configuration-check', proposal.title, proposal.base],
    queryFn: ({ signal }) => proposal.check(signal),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => dialog.current?.showModal(), []);

  const isStale = check !== undefined && check.version !== base;
  const make = async (): Promise<void> => {
    setMaking(true);
    setRefusal(null);
    try {
      const change = await proposal.make(note.trim(), base);
      onMade({ change, before: base });
    } catch (failed) {
      const failure = failureOf(failed);
      // Somebody else was faster: what they made is looked at first.
      if (failure.problem?.code === 'AP_CONFIG_STALE_VERSION') await refetch();
      else setRefusal(failure);
    } finally {
      setMaking(false);
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void make();
  };

  const failure = refusal ?? (error === null ? null : failureOf(error));
  const isNothing = check !== undefined && check.differences.length === 0;
  return (
    <dialog
      ref={dialog}
      className="shortcuts-dialog review-dialog"
      aria-labelledby="review-title"
      aria-busy={isFetching}
      onClose={onClose}
    >
      <form onSubmit={submit}>
        <h2 id="review-title" tabIndex={-1}>
          {proposal.title}
        </h2>
        {check === undefined && error === null && <p className="config-quiet">Every instance is being asked …</p>}
        {check !== undefined && <CheckResult check={check} unitOf={unitOf} now={now} />}
        {isStale && check !== undefined && (
          <VersionConflict
            scope={scope}
            base={base}
            newest={check.version}
            unitOf={unitOf}
            onGoOn={() => setBase(check.version)}
          />
        )}
        {failure !== null && (
          <div className="review-problem" role="alert">
            <strong>{failure.problem?.title ?? 'It did not work.'}</strong> {failure.detail} {failure.problem?.remedy}
          </div>
        )}
        <TextInput
          label="Why"
          description="Kept with the version, for those who read the history."
          name="note"
          autoComplete="off"
          maxLength={500}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <div className="review-actions">
          <Button type="button" variant="default" size="sm" onClick={() => dialog.current?.close()}>
            {isNothing ? 'Close' : 'Back'}
          </Button>
          <Button
            type="submit"
            size="sm"
            loading={isMaking}
            disabled={check?.valid !== true || isStale || isNothing || isFetching}
          >
            {proposal.verb}
          </Button>
        </div>
      </form>
    </dialog>
  );
}

function CheckResult({
  check,
  unitOf,
  now,
}: {
  readonly check: ConfigCheck;
  readonly unitOf: (key: string) => string | undefined;
  readonly now: (key: string) => string | undefined;
}): ReactElement {
  const { differences, errors, warnings, masked, unknown, instances } = check;
  const asked = instances.filter(({ state }) => state === 'accepted').length;
  return (
    <>
      <DifferenceTable differences={differences} unitOf={unitOf} now={now} label="What would change" />
      {errors.length + warnings.length + masked.length + unknown.length > 0 && (
        <ul className="findings" aria-label="What to know before">
          {errors.map(({ message }) => (
            <li key={message} data-tone="bad">
              <strong>Error</strong> {message}
            </li>
          ))}
          {warnings.map(({ message }) => (
            <li key={message} data-tone="warn">
              <strong>Warning</strong> {message}
            </li>
          ))}
          {masked.map(({ key, by, instance }) => (
            <li key={`${key} ${by} ${instance ?? ''}`} data-tone="warn">
              <strong>No effect</strong> <code>{key}</code> is set by {sourceOf(by)}
              {instance === undefined ? '' : ` of ${instance}`}, which wins.
            </li>
          ))}
          {unknown.map((key) => (
            <li key={key} data-tone="warn">
              <strong>Not known here</strong> <code>{key}</code> is kept for a release that has it.
            </li>
          ))}
        </ul>
      )}
      {instances.length > 0 && (
        <p className="config-quiet numbers">
          {asked === instances.length
            ? `All ${asked} instances would take it.`
            : `${asked} of ${instances.length} instances would take it.`}
        </p>
      )}
      <ul className="findings" aria-label="Instances that would not take it">
        {instances
          .filter(({ state }) => state === 'refused')
          .map(({ instance, reason }) => (
            <li key={instance} data-tone="bad">
              <strong>{instance} refuses</strong> {reason}
            </li>
          ))}
      </ul>
    </>
  );
}

function sourceOf(layer: string): string {
  switch (layer) {
    case 'instance':
      return 'an override';
    case 'fleet':
      return 'the fleet';
    default:
      return `the ${layer}`;
  }
}
