import type { DatabaseGap } from '../contract/database.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';

/** What was read, and what of it could not be. */
export interface Reading<T> {
  readonly value: T;
  readonly gaps: readonly DatabaseGap[];
}

/** How a reading that failed is told. */
export interface ReadingName {
  /** "statements", as {@link DatabaseGap} names it. */
  readonly reading: string;
  /** What to do when a right is lacking. */
  readonly rightRemedy: string;
}

/** SQLSTATEs (PostgreSQL manual, appendix A) of a reading that can't be had, while the server is there. */
const causes: Readonly<Record<string, DatabaseGap['cause']>> = {
  '42501': 'right',
  '42P01': 'version',
  '42703': 'version',
  '42883': 'version',
  '55000': 'setting',
  '57014': 'busy',
  '55P03': 'busy',
};

const remedies: Readonly<Record<Exclude<DatabaseGap['cause'], 'right'>, string>> = {
  extension: 'Install the extension.',
  version: 'This server does not have it; nothing is to be done.',
  setting: 'Load the library at the start of the server: shared_preload_libraries.',
  busy: 'Somebody holds a lock on it, or the server is busy: it is read again.',
  failed: 'Please report this with its message.',
};

/**
 * Reads, or says why not: a right or an extension that is lacking leaves a gap in the answer and the rest of it whole.
 * @throws AutopilotError when the server can't be reached at all
 */
export async function readOr<T>(name: ReadingName, instead: T, read: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { value: await read(), gaps: [] };
  } catch (error) {
    if (error instanceof AutopilotError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const cause = causes[code] ?? 'failed';
    const remedy = cause === 'right' ? name.rightRemedy : remedies[cause];
    return { value: instead, gaps: [{ reading: name.reading, cause, reason: `${messageOf(error)}.`, remedy }] };
  }
}
