import type { OperationBody } from '../contract/operations.ts';
import { allowsNothing } from '../contract/shape.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { sentencesOf, validatorOf } from './shape-validator.ts';

/** Brackets deeper than this are no document of ours; readers that recurse are never given them. */
const MAX_DEPTH = 32;

/** A body as it came. */
export interface ReadBody {
  readonly mediaType: string;
  readonly text: string;
}

/** A body and what the operation says of it. */
export interface CallBody extends ReadBody {
  readonly declared: OperationBody;
}

/**
 * Reads what a call takes, up to its limit; what comes beyond it is not kept.
 * @throws AutopilotError AP_BODY_INVALID, AP_BODY_TOO_LARGE
 */
export async function readBody(request: Request, { mediaTypes, maxBytes, shape }: OperationBody): Promise<ReadBody> {
  const mediaType = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const mayBeAbsent = allowsNothing(shape);
  if (!mediaTypes.includes(mediaType) && !(mayBeAbsent && mediaType === '')) {
    throw wrongType(mediaType, mediaTypes);
  }
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(`${declared}`, maxBytes);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Node's types leave the chunks open; a request's body gives bytes.
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    bytes += part.value.length;
    if (bytes > maxBytes) {
      void discard(reader);
      throw tooLarge(`more than ${maxBytes}`, maxBytes);
    }
    chunks.push(part.value);
  }
  if (bytes === 0 && mayBeAbsent) return { mediaType: 'application/json', text: '{}' };
  if (mediaType === '') throw wrongType(mediaType, mediaTypes);
  try {
    return { mediaType, text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)) };
  } catch (cause) {
    throw new AutopilotError('AP_BODY_INVALID', 'The body is not in UTF-8.', { cause });
  }
}

/** Reads on without keeping anything, until the sender ends or the server cuts it off. */
async function discard(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  try {
    while ((await reader?.read())?.done === false);
  } catch {
    // The sender has gone.
  }
}

/**
 * A body's JSON, of whatever kind; the operation's shape has been looked at when there is one.
 * @throws AutopilotError AP_BODY_INVALID
 */
export function jsonOf({ text }: ReadBody, { shape }: OperationBody): unknown {
  let depth = 0;
  for (const letter of text.matchAll(/[[{]|[\]}]/g)) {
    depth += letter[0] === '[' || letter[0] === '{' ? 1 : -1;
    if (depth > MAX_DEPTH) throw invalid(`The body is nested deeper than ${MAX_DEPTH} levels.`, 'No call takes that.');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AutopilotError('AP_BODY_INVALID', `The body is no JSON: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
      remedy: 'Send one JSON document.',
    });
  }
  if (shape === null) return value;
  const result = validatorOf(shape).safeParse(value);
  if (result.success) return value;
  throw invalid(`${sentencesOf(result.error, (path) => at(value, path)).join('; ')}.`, 'See /api/v1/docs.');
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = Reflect.get(found, name);
  }
  return found;
}

function wrongType(mediaType: string, taken: readonly string[]): AutopilotError {
  return invalid(
    mediaType === '' ? 'The body has no media type.' : `A body of the type ${mediaType.slice(0, 100)} is not taken.`,
    `Send Content-Type: ${taken.join(' or ')}.`,
  );
}

function invalid(message: string, remedy: string): AutopilotError {
  return new AutopilotError('AP_BODY_INVALID', message, { remedy });
}

function tooLarge(bytes: string, maxBytes: number): AutopilotError {
  return new AutopilotError('AP_BODY_TOO_LARGE', `The body has ${bytes} bytes; at most ${maxBytes} are taken here.`);
}
