/** Conditions as EXPLAIN writes them, taken apart as text: each operator stands in brackets of its own. Offsets are of bytes. */

/** The conditions of which all must hold, each with its own text. */
export function conjunctsOf(text: string): readonly string[] {
  const inner = withoutBrackets(text.trim());
  const parts: string[] = [];
  let start = 0;
  for (const { at, depth } of outsideQuotes(inner)) {
    if (depth > 0 || at < start || !inner.startsWith(' AND ', at)) continue;
    parts.push(inner.slice(start, at));
    start = at + ' AND '.length;
  }
  if (parts.length === 0) return [text];
  return [...parts, inner.slice(start)].flatMap(conjunctsOf);
}

/** What stands left and right of the operator at that offset, in the brackets around it. */
export function operandsOf(
  text: string,
  operatorOffset: number,
): { readonly left: string; readonly right: string } | null {
  // One character a byte, as the parser counts.
  const bytes = Buffer.from(text).toString('latin1');
  const operator = /^(?:OPERATOR\([^)]*\)|[-+*/<>=~!@#%^&|`?]+)(?: ANY| ALL)?/.exec(bytes.slice(operatorOffset))?.[0];
  if (operator === undefined) return null;
  const open: number[] = [];
  let around: readonly [number, number] = [-1, bytes.length];
  for (const { at } of outsideQuotes(bytes)) {
    if (bytes[at] === '(') open.push(at);
    if (bytes[at] !== ')') continue;
    const opened = open.pop() ?? -1;
    if (opened < operatorOffset && operatorOffset < at && opened > around[0]) around = [opened, at];
  }
  const told = (from: number, to: number): string => Buffer.from(bytes.slice(from, to), 'latin1').toString().trim();
  return { left: told(around[0] + 1, operatorOffset), right: told(operatorOffset + operator.length, around[1]) };
}

/** An expression of one table's columns without the table's name, as an index is written; `references` are where its columns stand. */
export function withoutAlias(text: string, references: readonly number[]): string {
  let bytes = Buffer.from(text).toString('latin1');
  for (const at of references.toSorted((a, b) => b - a)) {
    const alias = /^(?:"(?:[^"]|"")*"|[\w$\u0080-\u00ff]+)\./.exec(bytes.slice(at))?.[0] ?? '';
    bytes = bytes.slice(0, at) + bytes.slice(at + alias.length);
  }
  return withoutBrackets(Buffer.from(bytes, 'latin1').toString());
}

/** Brackets around the whole are left out. */
export function withoutBrackets(text: string): string {
  if (!text.startsWith('(') || !text.endsWith(')')) return text;
  for (const { at, depth } of outsideQuotes(text)) {
    if (depth === 0 && text[at] === ')') return at === text.length - 1 ? withoutBrackets(text.slice(1, -1)) : text;
  }
  return text;
}

/** What stands in the first brackets of a text, comma by comma, and what comes behind them. */
export function bracketedList(text: string): { readonly items: readonly string[]; readonly rest: string } {
  const items: string[] = [];
  let start = -1;
  for (const { at, depth } of outsideQuotes(text)) {
    const character = text[at];
    if (start < 0) {
      if (character === '(') start = at + 1;
      continue;
    }
    const isEnd = character === ')' && depth === 0;
    if (!isEnd && !(character === ',' && depth === 1)) continue;
    items.push(text.slice(start, at).trim());
    if (isEnd) return { items, rest: text.slice(at + 1) };
    start = at + 1;
  }
  return { items: [], rest: text };
}

/** Each place that is in no string and no quoted name, with how many brackets are open behind it. */
function* outsideQuotes(text: string): Generator<{ readonly at: number; readonly depth: number }> {
  let depth = 0;
  let quote: string | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (quote !== null) {
      if (character === quote) quote = null;
      continue;
    }
    if (character === "'" || character === '"') quote = character;
    else {
      if (character === '(') depth += 1;
      if (character === ')') depth -= 1;
      yield { at, depth };
    }
  }
}
