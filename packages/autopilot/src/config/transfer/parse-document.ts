import { type Document, LineCounter, parseDocument } from 'yaml';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';

const MAX_BYTES = 1_048_576;
/** Brackets or indentation deeper than this are no document of ours; a parser that recurses is never given them. */
const MAX_DEPTH = 32;

/**
 * Reads JSON or YAML that may come from anybody: within a megabyte and 32 levels, without anchors, aliases, tags or keys
 * that are given twice.
 * @throws AutopilotError AP_CONFIG_IMPORT_INVALID
 */
export function parseUntrusted(text: string, format: 'json' | 'yaml'): unknown {
  if (text.length > MAX_BYTES) throw refused(`It has ${text.length} characters; at most ${MAX_BYTES} are read.`);
  if (depthOf(text) > MAX_DEPTH) throw refused(`It is nested deeper than ${MAX_DEPTH} levels.`);
  try {
    // YAML 1.2 holds JSON; read as such its mistakes are told in its own words.
    return format === 'json' ? (JSON.parse(text) as unknown) : yamlOf(text);
  } catch (error) {
    if (error instanceof AutopilotError) throw error;
    throw refused(`It can't be read as ${format === 'json' ? 'JSON' : 'YAML'}: ${messageOf(error).slice(0, 300)}`);
  }
}

function yamlOf(text: string): unknown {
  // Before anything is built of them: what repeats itself by name can grow without bound.
  if (/(?:^|[\s,[{:-])[&*!][^\s,\]}]/m.test(withoutQuotes(text))) {
    throw refused('It uses anchors, aliases or tags (&, *, !), which are not taken.');
  }
  const lineCounter = new LineCounter();
  const document: Document.Parsed = parseDocument(text, {
    lineCounter,
    merge: false,
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    version: '1.2',
    logLevel: 'silent',
  });
  const [error] = document.errors;
  if (error !== undefined) throw refused(error.message.split('\n')[0] ?? 'It is no YAML.');
  return document.toJS({ maxAliasCount: 0 }) as unknown;
}

/** An upper bound: brackets within texts count too, and so do steps of indentation and of lists within lists. */
function depthOf(text: string): number {
  let brackets = 0;
  let deepest = 0;
  for (const [letter] of withoutQuotes(text).matchAll(/[[\]{}]/g)) {
    brackets += letter === '[' || letter === '{' ? 1 : -1;
    deepest = Math.max(deepest, brackets);
  }
  for (const [start] of text.matchAll(/^[ \t]*(?:[-?:][ \t]+)*/gm)) {
    deepest = Math.max(deepest, Math.floor(start.length / 2) - 8);
  }
  return deepest;
}

/** Texts in quotes, on one line each, and comments hold no structure. */
function withoutQuotes(text: string): string {
  return text.replaceAll(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|(?<=^|\s)#[^\n]*/g, '""');
}

function refused(message: string): AutopilotError {
  return new AutopilotError('AP_CONFIG_IMPORT_INVALID', `The document is not taken. ${message}`, {
    remedy: 'Nothing was changed. GET /api/v1/config/export answers a document that is taken.',
  });
}
