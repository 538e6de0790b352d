import { AutopilotError, messageOf } from '../../kernel/errors.ts';

/** A class of failures, by what the reader of the message has to do. */
interface FailureClass {
  readonly code: string;
  readonly means: string;
  readonly remedy: string;
  /** SQLSTATE codes or their two-character classes (PostgreSQL manual, appendix A), and codes of Node and of pg. */
  readonly codes: readonly string[];
  readonly messages?: RegExp;
}

const failures: readonly FailureClass[] = [
  {
    code: 'AP_STORE_DISK_FULL',
    means: 'The disk of the store is full, or a limit of its size is reached',
    remedy: 'Free space on the server. Windows stay in memory and are written when there is room again.',
    codes: ['53100', '53400'],
  },
  {
    code: 'AP_STORE_SCHEMA_MISSING',
    means: 'The schema autopilot is not in the database, or is older than this release',
    remedy:
      'Start the control plane (autopilot serve) once with a role that may create it; see docs/guides/storage.md.',
    codes: ['3F000', '42P01', '42883', '42703'],
  },
  {
    code: 'AP_STORE_PERMISSION',
    means: 'The store does not let this role in, or do this',
    remedy: 'Check the role and password in AUTOPILOT_DATABASE_URL, and its rights against docs/guides/storage.md.',
    codes: ['42501', '28000', '28P01', '3D000', '0LP01'],
    messages: /no pg_hba\.conf entry|SASL|password must be a string/,
  },
  {
    code: 'AP_STORE_READ_ONLY',
    means: 'The store takes no changes: it is a standby, or is set to read only',
    remedy: 'Name the primary server in AUTOPILOT_DATABASE_URL (target_session_attrs=read-write with several hosts).',
    codes: ['25006'],
  },
  {
    code: 'AP_STORE_POOLER',
    means: 'A connection pooler refuses a setting that every connection of the autopilot brings',
    remedy:
      'Connect to the server itself, or let PgBouncer pass it by: ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout.',
    codes: [],
    messages: /unsupported startup parameter/,
  },
  {
    code: 'AP_STORE_BUSY',
    means: 'The store did not answer in time, or somebody holds what is needed',
    remedy: 'It is tried again. If it goes on, look at pg_stat_activity and pg_locks of the store.',
    // 23514: the partition of a row was made while the row was on its way to the default one.
    codes: ['57014', '55P03', '40001', '40P01', '55006', '53200', '23514'],
    messages: /[Qq]uery read timeout/,
  },
  {
    code: 'AP_STORE_UNAVAILABLE',
    means: 'The store can not be reached',
    remedy: 'Check that the server runs and AUTOPILOT_DATABASE_URL names it. Windows stay in memory until it is back.',
    // SQLSTATEs, then codes of Node's sockets and name look-ups.
    codes: (
      '08 57P01 57P02 57P03 57P05 53300 ' +
      'ECONNREFUSED ECONNRESET ENOENT ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH ENETUNREACH EPIPE EACCES'
    ).split(' '),
    messages:
      /[Cc]onnection (?:terminated|ended)|timeout (?:exceeded|expired)|[Cc]lient (?:was closed|has encountered)/,
  },
];

/**
 * What failed, as an AutopilotError that says what it means: AP_STORE_DISK_FULL, _SCHEMA_MISSING, _PERMISSION, _READ_ONLY,
 * _POOLER, _BUSY, _UNAVAILABLE, or _FAILED for anything else. Errors of the autopilot are given back as they are.
 */
export function storeError(thrown: unknown, doing: string): AutopilotError {
  if (thrown instanceof AutopilotError) return thrown;
  const code = codeOf(thrown);
  const message = messageOf(thrown) || code;
  const found =
    failures.find(({ messages }) => messages?.test(message)) ??
    failures.find(
      ({ codes }) =>
        code !== '' && codes.some((known) => known === code || (known.length === 2 && code.startsWith(known))),
    );
  const told = `${message}${code === '' ? '' : ` (${code})`}`;
  if (found === undefined) {
    return new AutopilotError('AP_STORE_FAILED', `${doing} failed: ${told}.`, {
      remedy: 'This is not expected; please report it with this message.',
      cause: thrown,
    });
  }
  return new AutopilotError(found.code, `${doing} failed: ${told}. ${found.means}.`, {
    remedy: found.remedy,
    cause: thrown,
  });
}

/** The SQLSTATE or system code of an error; of several at once (every address of a host refused), the first one's. */
function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return '';
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  if (thrown instanceof AggregateError) return codeOf(thrown.errors[0]);
  return '';
}
