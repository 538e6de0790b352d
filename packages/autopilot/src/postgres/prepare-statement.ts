import { caseResults, withParameterTypes } from '../kernel/parameterized-statement.ts';
import { marked } from './observed-database.ts';

/** Parameters whose type nothing around them tells; more of them is no statement that anybody wrote. */
const MOST_TYPES = 50;

/**
 * Prepares a statement with `$1` for its parameters, for any values. Where the server finds no type for a parameter (an
 * argument of jsonb_build_object, the 1 of `sum(CASE WHEN a THEN 1 ELSE 0 END)`), one is said for it that fits as a rule.
 * @param prepare sends one statement; after one that fails the next has to be possible
 * @returns the statement as it was prepared
 * @throws the server's error
 */
export async function prepareStatement(
  prepare: (sql: string) => Promise<unknown>,
  name: string,
  statement: string,
): Promise<string> {
  const types = new Map<string, string>();
  const head = `${marked(`PREPARE ${name} AS`)} `;
  let first: unknown = null;
  for (;;) {
    const typed = types.size === 0 ? statement : withParameterTypes(statement, types);
    try {
      await prepare(head + typed);
      return typed;
    } catch (error) {
      first ??= error;
      // In a transaction that takes nothing more, the reason is the one from before.
      if (error instanceof Error && 'code' in error && error.code === '25P02') throw first;
      const known = types.size;
      const found = typesFor(error, typed, head.length);
      for (const [parameter, type] of found) if (!types.has(parameter)) types.set(parameter, type);
      if (types.size === known || types.size > MOST_TYPES) throw error;
    }
  }
}

const UNTYPED = /\$\d+(?!\d|::)/g;

type ParameterType = readonly [parameter: string, type: string];

/** `from`: where the statement began in what was sent. */
function typesFor(error: unknown, statement: string, from: number): readonly ParameterType[] {
  if (!(error instanceof Error) || !('code' in error)) return [];
  const number = /parameter (\$\d+)/.exec(error.message)?.[1];
  if (error.code === '42P18' && number !== undefined) return [[number, 'text']];
  // Unknown results of a CASE are taken for text.
  if (error.code === '42883' && /function (?:sum|avg)\(text\)/.test(error.message)) {
    return caseResults(statement).map((parameter) => [parameter, 'numeric']);
  }
  // So are the members of an array, as in `id = ANY (ARRAY[$1])`.
  const compared = /operator does not exist: (.+) \S+ text$/.exec(error.message)?.[1];
  if (error.code === '42883' && compared !== undefined) {
    return [...statement.matchAll(/\bARRAY\s*\[([^\]]*)\]/gi)].flatMap(([, members = '']) =>
      [...members.matchAll(UNTYPED)].map(([parameter]): ParameterType => [parameter, compared]),
    );
  }
  // Several functions or operators would do: numbers as a rule, since texts tell by what they stand beside.
  if (error.code !== '42725' || !('position' in error)) return [];
  const at = Number(error.position) - 1 - from;
  const behind = statement.slice(at);
  const list = /^[\w.]+\s*\(([^()]*)\)/.exec(behind)?.[1];
  if (list !== undefined) return [...list.matchAll(UNTYPED)].map(([parameter]) => [parameter, 'integer']);
  const operands = [
    /(\$\d+)\s*$/.exec(statement.slice(0, at))?.[1],
    /^[^\s\w$(]+\s*(\$\d+)(?!\d|::)/.exec(behind)?.[1],
  ];
  return operands.flatMap((parameter): readonly ParameterType[] =>
    parameter === undefined ? [] : [[parameter, 'integer']],
  );
}
