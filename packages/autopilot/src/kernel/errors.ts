/** What a caller may add to an {@link AutopilotError}. */
export interface ErrorDetails {
  /** What to do next, as a sentence for the person who reads it. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * Every error the library raises on purpose. The message says what happened with the actual values
 * and what that means; `remedy` says what to do next; `code` is stable and listed in the error table.
 */
export class AutopilotError extends Error {
  override readonly name: string = 'AutopilotError';
  /** Stable, upper snake case, with the prefix `AP_`. */
  readonly code: string;
  readonly remedy: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.remedy = details.remedy;
  }
}

/** The text of anything that was thrown, for a log line or a problem's detail. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** {@link messageOf} with what to do next, where that is known. */
export function toldOf(thrown: unknown): string {
  const remedy = thrown instanceof AutopilotError ? thrown.remedy : undefined;
  return remedy === undefined ? messageOf(thrown) : `${messageOf(thrown)} ${remedy}`;
}
