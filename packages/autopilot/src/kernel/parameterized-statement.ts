import { type StatementToken, statementTokens } from './statement-text.ts';

/**
 * Statements as servers and agents tell them, so that they can be parsed and prepared again.
 *
 *   - pg_stat_statements puts `$1` where a literal stood, also behind a type: `interval $1`, `timestamp with time zone $1`,
 *     `interval $1 day`, `numeric(10, 2) $1` are no SQL. They become `$1::interval` and so on.
 *   - So is `extract($1 FROM at)`; it becomes `date_part($1, at)`.
 *   - Of a type with a precision that is no longer known, `numeric(?, ?)`, the type stays.
 *   - The `?` of a text without literals becomes the next free parameter; the operator `?` of jsonb stays.
 *   - Comments go, the ellipsis of 18 (`IN ($1, $2 /*, ... *\/)`) among them: of a list one length is as good as another.
 */

/** Words that an expression may follow; any other word in front of a parameter is (the end of) a type. */
const BEFORE_EXPRESSIONS: ReadonlySet<string> = new Set(
  `SELECT DISTINCT ALL WHERE AND OR NOT ON IN LIKE ILIKE BETWEEN SYMMETRIC ASYMMETRIC LIMIT OFFSET FETCH FIRST NEXT THEN ELSE WHEN CASE
   HAVING BY FROM FOR TO ESCAPE UESCAPE RETURNING SET IS USING ROWS RANGE GROUPS VARIADIC LEADING TRAILING BOTH PLACING PASSING AS
   ANY SOME VALUES DEFAULT SIMILAR OVERLAPS UNION EXCEPT INTERSECT INTO WITH OVER END ASC DESC FILTER DO UPDATE DELETE INSERT MERGE
   MATCHED EXISTS ARRAY ROW COLLATE RECURSIVE`.split(/\s+/),
);
const INTERVAL_FIELDS: ReadonlySet<string> = new Set(['YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE', 'SECOND', 'TO']);

/** The text with a parameter for each literal and each type behind its parameter. Never throws. Cost as normalizeStatement. */
export function parameterizedStatement(text: string): string {
  // Whole: what is cut is no SQL.
  const tokens = withDateParts(withParameters(withoutModifiers(statementTokens(text, Number.POSITIVE_INFINITY))));
  const result: StatementToken[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined) break;
    const from = token.kind === 'parameter' ? typeStart(result) : -1;
    if (from === -1) {
      result.push(token);
      continue;
    }
    const type = result.splice(from);
    const [first] = type;
    result.push({ ...token, spaced: first?.spaced ?? token.spaced }, colons);
    result.push(...type.map((one, index) => (index === 0 ? { ...one, spaced: false } : one)));
    if (!isWord(first, 'INTERVAL')) continue;
    // interval '1' day, interval '1-2' year to month, interval '1.5' second(3)
    while (tokens[at + 1]?.kind === 'word' && INTERVAL_FIELDS.has(tokens[at + 1]?.text.toUpperCase() ?? '')) {
      const field = tokens[++at];
      if (field !== undefined) result.push(field);
    }
  }
  return result.map(({ text: one, spaced }, at) => (spaced && at > 0 ? ` ${one}` : one)).join('');
}

/** The statement with a type said for some of its parameters, of which the server could not find one. */
export function withParameterTypes(text: string, types: ReadonlyMap<string, string>): string {
  return text.replaceAll(/'(?:[^']|'')*'|"[^"]*"|\$\d+/g, (found) => {
    const type = types.get(found);
    return type === undefined ? found : `${found}::${type}`;
  });
}

/** Parameters that are results of a CASE, as `THEN $1` and `ELSE $2`. */
export function caseResults(text: string): readonly string[] {
  const tokens = statementTokens(text, Number.POSITIVE_INFINITY);
  return tokens.flatMap(({ kind, text: one }, at) =>
    kind === 'parameter' && isWord(tokens[at - 1], 'THEN', 'ELSE') ? [one] : [],
  );
}

const colons: StatementToken = { kind: 'operator', text: '::', spaced: false };

/** `extract($1 FROM at)` as the function it stands for, which takes a parameter. */
function withDateParts(tokens: readonly StatementToken[]): readonly StatementToken[] {
  return tokens.map((token, at) => {
    const isField =
      tokens[at - 1]?.kind === 'parameter' && isOperator(tokens[at - 2], '(') && isWord(tokens[at - 3], 'EXTRACT');
    if (isField && isWord(token, 'FROM')) return { kind: 'operator', text: ',', spaced: false };
    const isCall =
      isOperator(tokens[at + 1], '(') && tokens[at + 2]?.kind === 'parameter' && isWord(tokens[at + 3], 'FROM');
    return isCall && isWord(token, 'EXTRACT') ? { ...token, text: 'date_part' } : token;
  });
}

/** Without what stands in brackets behind types: no parameter may stand there. */
function withoutModifiers(tokens: readonly StatementToken[]): readonly StatementToken[] {
  const kept: StatementToken[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const close = isOperator(tokens[at], '(') ? modifierEnd(kept, tokens, at) : -1;
    if (close !== -1) at = close;
    else kept.push(...tokens.slice(at, at + 1));
  }
  return kept;
}

/** Where the brackets that open at a place behind `before` end; -1: they hold something else than a type's precision. */
function modifierEnd(before: readonly StatementToken[], tokens: readonly StatementToken[], open: number): number {
  const close = tokens.findIndex((token, at) => at > open && isOperator(token, ')'));
  const within = tokens.slice(open + 1, close);
  if (close === -1 || within.length === 0 || !within.every((token) => isValue(token) || isOperator(token, ',')))
    return -1;
  const last = before.length - 1;
  const word = before[last];
  if (word === undefined || (word.kind !== 'word' && word.kind !== 'name')) return -1;
  const after = tokens[close + 1];
  const start = nameStart(before, last);
  const [ahead, aheadOfIt] = [before[start - 1], before[start - 2]];
  const isCast = isWord(ahead, 'AS') || (isOperator(ahead, ':') && isOperator(aheadOfIt, ':'));
  const isOfTime = isWord(word, 'TIME', 'TIMESTAMP') && isWord(after, 'WITH', 'WITHOUT');
  // interval '1.5' second(3), interval '1 2' day to second(3)
  const isOfSeconds = isWord(word, 'SECOND') && (isValue(ahead) || isWord(ahead, 'TO'));
  const isTyped =
    isValue(after) && !BEFORE_EXPRESSIONS.has(word.text.toUpperCase()) && !isJsonOperator(tokens, close + 1);
  return isCast || isOfTime || isOfSeconds || isTyped ? close : -1;
}

function isValue(token: StatementToken | undefined): boolean {
  return token?.kind === 'literal' || token?.kind === 'parameter' || isOperator(token, '?');
}

function withParameters(tokens: readonly StatementToken[]): readonly StatementToken[] {
  let next = Math.max(0, ...tokens.map(({ kind, text }) => (kind === 'parameter' ? Number(text.slice(1)) : 0)));
  return tokens.map((token, at) => {
    const isLiteral = token.kind === 'literal' || (isOperator(token, '?') && !isJsonOperator(tokens, at));
    return isLiteral ? { ...token, kind: 'parameter', text: `$${++next}` } : token;
  });
}

/** `data ? 'key'`, `data ?| keys`, `data ?& keys`: between two operands. */
function isJsonOperator(tokens: readonly StatementToken[], at: number): boolean {
  const after = tokens[at + 1];
  if (after === undefined) return false;
  if (!after.spaced && (isOperator(after, '|') || isOperator(after, '&'))) return true;
  if (!endsOperand(tokens[at - 1])) return false;
  if (after.kind === 'word') {
    const word = after.text.toUpperCase();
    return !BEFORE_EXPRESSIONS.has(word) && !AFTER_EXPRESSIONS.has(word) && !INTERVAL_FIELDS.has(word);
  }
  return after.kind !== 'operator' || after.text === '?' || after.text === '(';
}

/** Words that may follow a literal. */
const AFTER_EXPRESSIONS: ReadonlySet<string> = new Set(
  'GROUP ORDER WINDOW AT PRECEDING FOLLOWING ROW ROWS ONLY ISNULL NOTNULL NULLS'.split(' '),
);

function endsOperand(token: StatementToken | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'operator') return token.text === ')' || token.text === ']';
  return token.kind !== 'word' || !BEFORE_EXPRESSIONS.has(token.text.toUpperCase());
}

/** Where the type begins that these tokens end with; -1: they end with none. */
function typeStart(tokens: readonly StatementToken[]): number {
  let at = tokens.length - 1;
  if (isWord(tokens[at], 'ZONE')) {
    // "AT TIME ZONE" is followed by an expression, "WITH TIME ZONE" is of a type.
    if (!isWord(tokens[at - 1], 'TIME') || !isWord(tokens[at - 2], 'WITH', 'WITHOUT')) return -1;
    at -= 3;
  }
  const word = tokens[at];
  if (word === undefined || (word.kind !== 'word' && word.kind !== 'name')) return -1;
  if (word.kind === 'word' && BEFORE_EXPRESSIONS.has(word.text.toUpperCase())) return -1;
  return nameStart(tokens, at);
}

/** Where the name of a type begins whose last word stands at a place. */
function nameStart(tokens: readonly StatementToken[], last: number): number {
  let at = last;
  if (isWord(tokens[at], 'PRECISION') && isWord(tokens[at - 1], 'DOUBLE')) return at - 1;
  if (isWord(tokens[at], 'VARYING')) at--;
  if (isWord(tokens[at], 'CHARACTER', 'CHAR') && isWord(tokens[at - 1], 'NATIONAL')) at--;
  while (isOperator(tokens[at - 1], '.') && at >= 2) at -= 2;
  return at;
}

function isWord(token: StatementToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toUpperCase());
}

function isOperator(token: StatementToken | undefined, text: string): boolean {
  return token?.kind === 'operator' && token.text === text;
}
