/**
 * Statement texts without their literals.
 *
 * A small lexer after PostgreSQL's scan.l ("Lexical Structure" in its manual) cuts a text into tokens; literals become
 * `?`, comments go, white space folds. What it can't decide it drops: a text may lose words, never keep a literal.
 *
 *   - Strings: '...', E'...', B'...', X'...', N'...', U&'...', $$...$$, $tag$...$tag$, and their continuation on the next line.
 *   - A plain string with a backslash right before a quote reads differently with standard_conforming_strings off. Which
 *     of the two the server means is not known here, so everything from there on is dropped.
 *   - Numbers, with whatever letters touch them (1e5, 0x1F, 1_000, 12abc); a sign after an operator goes with them.
 *   - What never ends (a string, a comment, a quoted name) takes the rest of the text with it.
 *   - SET's values and the names of savepoints are literals in all but syntax.
 *
 * So that a statement stays one statement however long its lists are, a list of nothing but literals and parameters
 * becomes `(?)`, further rows of VALUES go, and the parameters after a list that was shortened are numbered anew.
 */

/** Longer texts are cut here before they are read. */
export const MAX_STATEMENT_LENGTH = 16_384;

type TokenKind = 'literal' | 'parameter' | 'word' | 'name' | 'operator';

/** A word of a statement, a literal as `?`. */
export interface StatementToken {
  readonly kind: TokenKind;
  readonly text: string;
  /** White space or a comment stood before it. */
  readonly spaced: boolean;
}

const LITERAL = '?';

/** The text with every literal replaced; "" for a text without any token. Never throws. Cost: about 1 us per 30 characters. */
export function normalizeStatement(text: string): string {
  return render(shortenLists(hideNames(statementTokens(text))));
}

/** What the text is made of, without comments; of a longer one its first `limit` characters. Never throws. */
export function statementTokens(text: string, limit: number = MAX_STATEMENT_LENGTH): readonly StatementToken[] {
  return new Lexer(text.length > limit ? text.slice(0, limit) : text).tokens();
}

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 39;
const STAR = 42;
const MINUS = 45;
const DOT = 46;
const SLASH = 47;
const BACKSLASH = 92;
const DOLLAR = 36;
const DOUBLE_QUOTE = 34;
const AMPERSAND = 38;

function isSpace(code: number): boolean {
  return code === SPACE || (code >= TAB && code <= RETURN);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Letters, underscore and everything beyond ASCII start a word. */
function startsWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code >= 128;
}

function continuesWord(code: number): boolean {
  return startsWord(code) || isDigit(code) || code === DOLLAR;
}

class Lexer {
  readonly #text: string;
  readonly #tokens: StatementToken[] = [];
  #at = 0;
  #spaced = false;

  constructor(text: string) {
    this.#text = text;
  }

  tokens(): StatementToken[] {
    while (this.#at < this.#text.length) this.#next();
    return this.#tokens;
  }

  /** NaN past the end: no comparison with it holds. */
  #code(ahead = 0): number {
    return this.#text.charCodeAt(this.#at + ahead);
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, spaced: this.#spaced });
    this.#spaced = false;
  }

  #literal(end: number): void {
    this.#at = end;
    this.#push('literal', LITERAL);
  }

  #next(): void {
    const code = this.#code();
    if (isSpace(code)) {
      this.#at++;
      this.#spaced = true;
    } else if (code === MINUS && this.#code(1) === MINUS) {
      this.#at = this.#lineEnd(this.#at);
      this.#spaced = true;
    } else if (code === SLASH && this.#code(1) === STAR) {
      this.#at = this.#commentEnd();
      this.#spaced = true;
    } else if (code === QUOTE) this.#string(false);
    else if (code === DOUBLE_QUOTE) this.#quotedName(this.#at);
    else if (code === DOLLAR) this.#dollar();
    else if (isDigit(code) || (code === DOT && isDigit(this.#code(1)))) this.#number();
    else if (startsWord(code)) this.#word();
    else {
      this.#at++;
      this.#push('operator', this.#text.charAt(this.#at - 1));
    }
  }

  #lineEnd(from: number): number {
    let at = from;
    while (at < this.#text.length && this.#text.charCodeAt(at) !== NEWLINE && this.#text.charCodeAt(at) !== RETURN)
      at++;
    return at;
  }

  /** Comments nest in PostgreSQL. */
  #commentEnd(): number {
    let depth = 1;
    let at = this.#at + 2;
    while (at < this.#text.length && depth > 0) {
      const code = this.#text.charCodeAt(at);
      const following = this.#text.charCodeAt(at + 1);
      if (code === SLASH && following === STAR) {
        depth++;
        at += 2;
      } else if (code === STAR && following === SLASH) {
        depth--;
        at += 2;
      } else at++;
    }
    return at;
  }

  /** At a quote. `escapes`: a backslash takes the next character with it, as in E'...'. */
  #string(escapes: boolean): void {
    let at = this.#at + 1;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      if (at >= this.#text.length) break;
      if (code === BACKSLASH && escapes) at += 2;
      else if (code === BACKSLASH && this.#text.charCodeAt(at + 1) === QUOTE) {
        at = this.#text.length;
      } else if (code !== QUOTE) at++;
      else if (this.#text.charCodeAt(at + 1) === QUOTE) at += 2;
      else {
        const next = this.#continuation(at + 1);
        if (next === -1) {
          at++;
          break;
        }
        at = next;
      }
    }
    this.#literal(Math.min(at, this.#text.length));
  }

  /** Two strings with only white space and a new line between them are one. The place after the second's quote, or -1. */
  #continuation(from: number): number {
    let newLine = false;
    for (let at = from; at < this.#text.length; ) {
      const code = this.#text.charCodeAt(at);
      if (isSpace(code)) {
        newLine ||= code === NEWLINE || code === RETURN;
        at++;
      } else if (newLine && code === MINUS && this.#text.charCodeAt(at + 1) === MINUS) at = this.#lineEnd(at);
      else return newLine && code === QUOTE ? at + 1 : -1;
    }
    return -1;
  }

  /** `from`: where the name begins, its U& included. */
  #quotedName(from: number): void {
    let at = this.#text.indexOf('"', from) + 1;
    for (;;) {
      const end = this.#text.indexOf('"', at);
      if (end === -1) {
        this.#literal(this.#text.length);
        return;
      }
      if (this.#text.charCodeAt(end + 1) !== DOUBLE_QUOTE) {
        this.#at = end + 1;
        this.#push('name', this.#text.slice(from, this.#at));
        return;
      }
      at = end + 2;
    }
  }

  /** $1 is a parameter; $$ and $tag$ open a string; any other $ is noise. */
  #dollar(): void {
    let end = this.#at + 1;
    if (isDigit(this.#code(1))) {
      while (isDigit(this.#text.charCodeAt(end))) end++;
      this.#push('parameter', this.#text.slice(this.#at, end));
      this.#at = end;
      return;
    }
    if (startsWord(this.#code(1))) {
      while (startsWord(this.#text.charCodeAt(end)) || isDigit(this.#text.charCodeAt(end))) end++;
    }
    if (this.#text.charCodeAt(end) !== DOLLAR) {
      this.#at++;
      this.#push('operator', '$');
      return;
    }
    const tag = this.#text.slice(this.#at, end + 1);
    const close = this.#text.indexOf(tag, end + 1);
    this.#literal(close === -1 ? this.#text.length : close + tag.length);
  }

  #number(): void {
    let at = this.#at + 1;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      const before = this.#text.charCodeAt(at - 1);
      if (continuesWord(code) || code === DOT) at++;
      else if (
        (code === MINUS || code === 43) &&
        (before === 101 || before === 69) &&
        isDigit(this.#text.charCodeAt(at + 1))
      )
        at += 2;
      else break;
    }
    this.#dropSign();
    this.#literal(at);
  }

  /** A minus or plus that stands after another operator is the number's own. */
  #dropSign(): void {
    const sign = this.#tokens.at(-1);
    if (sign?.kind !== 'operator' || (sign.text !== '-' && sign.text !== '+')) return;
    const before = this.#tokens.at(-2);
    if (before === undefined || before.kind !== 'operator' || before.text === ')' || before.text === ']') return;
    this.#tokens.pop();
    this.#spaced = sign.spaced;
  }

  #word(): void {
    const from = this.#at;
    let at = from + 1;
    while (continuesWord(this.#text.charCodeAt(at))) at++;
    const length = at - from;
    const letter = length === 1 ? this.#code() | 32 : 0;
    const next = this.#text.charCodeAt(at);
    if (next === QUOTE && (letter === 101 || letter === 98 || letter === 120 || letter === 110)) {
      this.#at = at;
      this.#string(letter === 101);
    } else if (next === AMPERSAND && letter === 117 && this.#text.charCodeAt(at + 1) === QUOTE) {
      this.#at = at + 1;
      this.#string(false);
    } else if (next === AMPERSAND && letter === 117 && this.#text.charCodeAt(at + 1) === DOUBLE_QUOTE) {
      this.#quotedName(from);
    } else {
      this.#at = at;
      this.#push('word', this.#text.slice(from, at));
    }
  }
}

function isWord(token: StatementToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toUpperCase());
}

function isOperator(token: StatementToken | undefined, text: string): boolean {
  return token?.kind === 'operator' && token.text === text;
}

/** SET a = b, c: everything after `=` or TO. SET ROLE a, SAVEPOINT a, RELEASE a, ROLLBACK TO a: the name. */
function hideNames(tokens: readonly StatementToken[]): readonly StatementToken[] {
  const hidden: StatementToken[] = [];
  let at = 0;
  while (at < tokens.length) {
    let end = at;
    while (end < tokens.length && !isOperator(tokens[end], ';')) end++;
    const statement = tokens.slice(at, end);
    hidden.push(...hideNamesOfOne(statement));
    // A semicolon that only ends the text says nothing.
    if (end < tokens.length - 1) hidden.push(...tokens.slice(end, end + 1));
    at = end + 1;
  }
  return hidden;
}

function hideNamesOfOne(statement: readonly StatementToken[]): readonly StatementToken[] {
  const [first] = statement;
  const literal: StatementToken = { kind: 'literal', text: LITERAL, spaced: true };
  if (isWord(first, 'SET')) {
    const value = statement.findIndex((token) => isOperator(token, '=') || isWord(token, 'TO', 'ROLE'));
    return value === -1 || value === statement.length - 1 ? statement : [...statement.slice(0, value + 1), literal];
  }
  if (!isWord(first, 'SAVEPOINT', 'RELEASE', 'ROLLBACK')) return statement;
  const last = statement.at(-1);
  const named = isWord(first, 'ROLLBACK')
    ? statement.some((token) => isWord(token, 'TO'))
    : !isWord(last, 'SAVEPOINT', 'RELEASE');
  return named ? [...statement.slice(0, -1), literal] : statement;
}

/** Where an element of a list ends: a literal or a parameter with its casts; -1 when there is something else. */
function elementEnd(tokens: readonly StatementToken[], from: number): number {
  let at = from;
  if (isOperator(tokens[at], '-') || isOperator(tokens[at], '+')) at++;
  const token = tokens[at];
  if (token?.kind !== 'literal' && token?.kind !== 'parameter' && !isWord(token, 'NULL', 'DEFAULT', 'TRUE', 'FALSE'))
    return -1;
  at++;
  while (isOperator(tokens[at], ':') && isOperator(tokens[at + 1], ':')) {
    at += 2;
    if (tokens[at]?.kind !== 'word' && tokens[at]?.kind !== 'name') return -1;
    at++;
    while (isOperator(tokens[at], '.') && tokens[at + 1] !== undefined) at += 2;
    while (isOperator(tokens[at], '[') && isOperator(tokens[at + 1], ']')) at += 2;
  }
  return at;
}

/** Where a list of nothing but elements ends, its closing bracket included; null when it is another kind of list. */
function listEnd(tokens: readonly StatementToken[], from: number, close: string): { end: number; size: number } | null {
  let size = 0;
  for (let at = from + 1; ; at++) {
    at = elementEnd(tokens, at);
    if (at === -1) return null;
    size++;
    if (isOperator(tokens[at], close)) return { end: at + 1, size };
    if (!isOperator(tokens[at], ',')) return null;
  }
}

/** Shorter texts hold no list that is worth counting: each element takes two characters. */
const SHORTEST_COUNTED = 500;

/** How many values the longest list of the text has, as `IN (1, 2, 3)` has 3; 0 for one without, or too short to matter. Of a list that is cut, what there is of it. */
export function longestList(text: string): number {
  if (text.length < SHORTEST_COUNTED) return 0;
  const tokens = statementTokens(text);
  let longest = 0;
  for (const [at, token] of tokens.entries()) {
    if (!isOperator(token, '(') || !isWord(tokens[at - 1], 'IN')) continue;
    let size = 0;
    for (let end = at; end < tokens.length; ) {
      end = elementEnd(tokens, end + 1);
      if (end === -1) break;
      size++;
      if (!isOperator(tokens[end], ',')) break;
    }
    longest = Math.max(longest, size);
  }
  return longest;
}

function shortenLists(tokens: readonly StatementToken[]): readonly StatementToken[] {
  const short: StatementToken[] = [];
  let droppedParameters = false;
  const drop = (from: number, to: number): void => {
    for (let at = from; at < to; at++) droppedParameters ||= tokens[at]?.kind === 'parameter';
  };
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at];
    if (token === undefined) break;
    const before = tokens[at - 1];
    const open = isOperator(token, '(') ? ')' : isOperator(token, '[') ? ']' : null;
    const list = open === null ? null : listEnd(tokens, at, open);
    if (list !== null && open !== null && isWord(before, 'IN', 'ARRAY')) {
      short.push(token, { kind: 'literal', text: LITERAL, spaced: false });
      short.push({ kind: 'operator', text: open, spaced: false });
      drop(at, list.end);
      at = list.end;
    } else if (list !== null && open === ')' && isWord(before, 'VALUES')) {
      short.push(...tokens.slice(at, list.end));
      at = list.end;
      for (;;) {
        const row =
          isOperator(tokens[at], ',') && isOperator(tokens[at + 1], '(') ? listEnd(tokens, at + 1, ')') : null;
        if (row === null || row.size !== list.size) break;
        drop(at, row.end);
        at = row.end;
      }
    } else {
      short.push(token);
      at++;
    }
  }
  return droppedParameters ? renumber(short) : short;
}

/** $7 after a list of five becomes $2, so that the length of the list leaves no trace. */
function renumber(tokens: readonly StatementToken[]): readonly StatementToken[] {
  const numbers = new Map<string, string>();
  return tokens.map((token) => {
    if (token.kind !== 'parameter') return token;
    const number = numbers.get(token.text) ?? `$${numbers.size + 1}`;
    numbers.set(token.text, number);
    return { ...token, text: number };
  });
}

function render(tokens: readonly StatementToken[]): string {
  let text = '';
  for (const token of tokens) text += token.spaced && text !== '' ? ` ${token.text}` : token.text;
  return text;
}

/**
 * What is the same for one statement however it is told: by the application with literals or with $1, by
 * pg_stat_statements with $1 for both. Cost as {@link normalizeStatement}.
 */
export function statementFingerprint(text: string): string {
  return (
    normalizeStatement(text)
      .replaceAll(/\$\d+/g, LITERAL)
      // The server takes the field for a literal.
      .replaceAll(/\bextract\((?:\w+|\?) from\b/gi, `extract(${LITERAL} FROM`)
      .replaceAll(/\((?:\?(?:, ?)?)+\)/g, `(${LITERAL})`)
      .replaceAll(/\s+/g, ' ')
  );
}
