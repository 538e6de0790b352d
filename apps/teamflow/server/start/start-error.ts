/** Why TeamFlow can not start, in words for the person who starts it: what happened, and what to do. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}
