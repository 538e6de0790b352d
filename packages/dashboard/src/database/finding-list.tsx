import type { DatabaseFinding, DatabaseGap } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';

const words = { critical: 'Critical', warning: 'Warning', info: 'Note' } as const;

/** Findings, each with what to do and the statement that does it. */
export function FindingList({
  findings,
  empty,
}: {
  readonly findings: readonly DatabaseFinding[];
  /** What is said when there are none; absent: nothing. */
  readonly empty?: string;
}): ReactElement | null {
  if (findings.length === 0) return empty === undefined ? null : <p className="card-empty">{empty}</p>;
  return (
    <ul className="database-findings">
      {findings.map(({ kind, severity, subject, message, remedy, sql }) => (
        <li key={`${kind} ${subject} ${message}`} data-severity={severity}>
          <p>
            <span className="finding-severity">{words[severity]}</span> <strong>{subject}</strong> {message}
          </p>
          <p className="finding-remedy">{remedy}</p>
          {sql !== null && <code className="finding-sql">{sql}</code>}
        </li>
      ))}
    </ul>
  );
}

/** Marks of a row's findings, the words in full when pointed at or read out. */
export function FindingMarks({ findings }: { readonly findings: readonly DatabaseFinding[] }): ReactElement | null {
  if (findings.length === 0) return null;
  return (
    <ul className="finding-marks" aria-label="Findings">
      {findings.map(({ kind, severity, message, remedy }) => (
        <li key={`${kind} ${message}`} data-severity={severity} title={`${message} ${remedy}`}>
          {kind.replaceAll('-', ' ')}
        </li>
      ))}
    </ul>
  );
}

/** What could not be read, and what opens it. */
export function GapNotes({ gaps }: { readonly gaps: readonly DatabaseGap[] | undefined }): ReactElement | null {
  if (gaps === undefined || gaps.length === 0) return null;
  return (
    <ul className="limit-notes" aria-label="What could not be read">
      {gaps.map(({ reading, reason, remedy }) => (
        <li key={`${reading} ${reason}`}>
          {reason} <code>{remedy}</code>
        </li>
      ))}
    </ul>
  );
}
