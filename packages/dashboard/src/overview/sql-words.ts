/** A piece of a statement's text. */
export interface SqlPiece {
  readonly text: string;
  readonly isKeyword: boolean;
}

const KEYWORDS =
  /\b(?:select|insert|update|delete|from|where|join|left|right|inner|outer|lateral|cross|on|using|group|order|by|having|limit|offset|fetch|returning|values|into|set|with|recursive|union|all|distinct|as|and|or|not|in|exists|between|like|ilike|is|null|case|when|then|else|end|begin|commit|rollback|for|over|partition|asc|desc|nulls|first|last|conflict|do|nothing)\b/gi;

/** The text in pieces, keywords apart; together they are the text. Takes names for keywords where they look alike: it only colours. */
export function sqlPieces(text: string): SqlPiece[] {
  const pieces: SqlPiece[] = [];
  let end = 0;
  for (const match of text.matchAll(KEYWORDS)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), isKeyword: false });
    pieces.push({ text: match[0], isKeyword: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), isKeyword: false });
  return pieces;
}
