import { AutopilotError } from './errors.ts';

/** Variables as a process is started with them; an empty one counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The error for a variable that is wrong.
 * @param what What it is, as it may be shown: the value quoted, or what is wrong with one that may be secret.
 */
export function invalidVariable(variable: string, what: string, remedy: string): AutopilotError {
  return new AutopilotError('AP_ENVIRONMENT_INVALID', `${variable} is ${what}, which can't be used.`, { remedy });
}

/** Whether a text names a PostgreSQL server; the value is not for printing. */
export function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(text);
}

/** DATABASE_URL where it names a PostgreSQL server: an application may keep its data in something else. */
export function databaseUrlOfApplication(environment: Environment): string | undefined {
  const url = environment['DATABASE_URL'];
  return url && isPostgresUrl(url) ? url : undefined;
}
