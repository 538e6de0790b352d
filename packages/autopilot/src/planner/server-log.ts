/** A statement as a server has logged it, with its values in their places. */
export interface LoggedStatement {
  readonly sql: string;
  readonly calls: number;
  /** ms of all calls; null: the log does not say. */
  readonly totalMs: number | null;
}

/** What a server writes about a statement that it runs; what it does before (parse, bind) is logged besides. */
const logged = /^(?:duration: ([\d.]+) ms {2})?(?:statement|execute [^:\n]*): (.*)$/s;
/** `log_line_prefix` can be anything; behind it comes a severity and two spaces. */
const stderrLine =
  /^(?:.*?[^\w"])?(LOG|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|ERROR|WARNING|NOTICE|INFO|FATAL|PANIC|DEBUG\d): {2}(.*)$/;
const looksLikeStderr = /^(?:.*?[^\w"])?LOG: {2}(?:duration: [\d.]+ ms {2})?(?:statement|execute [^:\n]*): /m;
const looksLikeCsv = /^[^"\n,]*,[^\n]*,LOG,\w{5},"(?:duration: [\d.]+ ms {2})?(?:statement|execute [^:\n]*): /m;

interface Entry {
  readonly message: string;
  readonly detail: string;
}

/**
 * The statements of a server's log in any of its three formats (stderr, csvlog, jsonlog; messages in English), as `log_statement` and
 * `log_min_duration_statement` write them; null: the text is none.
 */
export function statementsOfLog(text: string): readonly LoggedStatement[] | null {
  const entries = looksLikeJson(text)
    ? jsonEntries(text)
    : looksLikeCsv.test(text)
      ? csvEntries(text)
      : looksLikeStderr.test(text)
        ? stderrEntries(text)
        : null;
  if (entries === null) return null;
  const found = new Map<string, LoggedStatement>();
  for (const { message, detail } of entries) {
    const [, duration, template] = logged.exec(message) ?? [];
    if (template === undefined) continue;
    const sql = withParameters(template, detail).replace(/;\s*$/, '');
    const { calls, totalMs } = found.get(sql) ?? { calls: 0, totalMs: null };
    const ms = duration === undefined ? totalMs : (totalMs ?? 0) + Number(duration);
    found.set(sql, { sql, calls: calls + 1, totalMs: ms });
  }
  return [...found.values()];
}

function stderrEntries(text: string): readonly Entry[] {
  const entries: { message: string; detail: string }[] = [];
  let part: 'message' | 'detail' | null = null;
  for (const line of text.split(/\r?\n/)) {
    const last = entries.at(-1);
    // What a message goes on with on further lines begins with a tab.
    if (line.startsWith('\t')) {
      if (last !== undefined && part !== null) last[part] += `\n${line.slice(1)}`;
      continue;
    }
    const [, severity, rest = ''] = stderrLine.exec(line) ?? [];
    part = severity === 'LOG' ? 'message' : severity === 'DETAIL' ? 'detail' : null;
    if (part === 'message') entries.push({ message: rest, detail: '' });
    else if (part === 'detail' && last !== undefined) last.detail = rest;
  }
  return entries;
}

function looksLikeJson(text: string): boolean {
  return text.startsWith('{"') && /"message":"(?:duration|statement|execute)/.test(text);
}

function jsonEntries(text: string): readonly Entry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const { message, detail } = JSON.parse(line) as Partial<Record<keyof Entry, unknown>>; // `as`: what is in it is asked next
      return typeof message === 'string' ? [{ message, detail: typeof detail === 'string' ? detail : '' }] : [];
    } catch {
      // The last line may be half written.
      return [];
    }
  });
}

/** Of the fields that a csvlog has. */
const [severityField, messageField, detailField] = [11, 13, 14] as const;

function csvEntries(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  let fields: string[] = [];
  for (const [, quotedField, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,"\n]*))(,|\r?\n|$)/g)) {
    fields.push(quotedField === undefined ? (plain ?? '') : quotedField.replaceAll('""', '"'));
    if (end === ',') continue;
    if (fields[severityField] === 'LOG')
      entries.push({ message: fields[messageField] ?? '', detail: fields[detailField] ?? '' });
    fields = [];
  }
  return entries;
}

/** The statement with the values in the place of its parameters that the detail names. */
function withParameters(sql: string, detail: string): string {
  const [, list = ''] = /^[Pp]arameters: (.*)$/s.exec(detail) ?? [];
  const values = new Map<string, string>();
  for (const [, number = '', value = ''] of list.matchAll(/\$(\d+) = ('(?:[^']|'')*'|NULL)/g))
    values.set(number, value);
  if (values.size === 0) return sql;
  // A dollar in a string or a quoted name is none of a parameter.
  return sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)/g, (text, number: string | undefined) =>
    number === undefined ? text : (values.get(number) ?? text),
  );
}
