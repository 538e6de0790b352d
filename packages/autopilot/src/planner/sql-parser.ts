import type * as Library from 'libpg-query';
import type { Node } from 'libpg-query';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { parameterizedStatement } from '../kernel/parameterized-statement.ts';

/** One statement as PostgreSQL's own parser sees it. */
export interface ParsedStatement {
  /** Its text, without what stands before and after it. */
  readonly sql: string;
  /** The same for statements that differ in literals only. */
  readonly fingerprint: string;
  readonly kind: 'select' | 'insert' | 'update' | 'delete' | 'merge' | 'other';
  /** What it writes to, and which columns an UPDATE sets. */
  readonly written: {
    readonly schema: string | null;
    readonly name: string;
    readonly columns: readonly string[];
  } | null;
}

/** PostgreSQL's parser, 2 MB of WebAssembly that is loaded at the first call; only for the control plane and the CLI. */
export class SqlParser {
  readonly #library: typeof Library;

  private constructor(library: typeof Library) {
    this.#library = library;
  }

  static async load(): Promise<SqlParser> {
    const library = await import('libpg-query');
    await library.loadModule();
    return new SqlParser(library);
  }

  /** The statements of a text, in order. @throws AutopilotError AP_PLANNER_STATEMENT when it is no SQL */
  statements(text: string): readonly ParsedStatement[] {
    try {
      const bytes = Buffer.from(text);
      // A log holds the same statement many times, and a fingerprint takes longer than all the rest.
      const known = new Map<string, ParsedStatement>();
      return (this.#library.parseSync(text).stmts ?? []).map(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
        const sql = bytes
          .subarray(start, length === undefined || length === 0 ? undefined : start + length)
          .toString()
          .trim();
        const statement = known.get(sql) ?? {
          sql,
          fingerprint: this.#library.fingerprintSync(sql),
          ...writing(stmt ?? {}),
        };
        known.set(sql, statement);
        return statement;
      });
    } catch (error) {
      throw new AutopilotError('AP_PLANNER_STATEMENT', `This is no SQL: ${messageOf(error)}`, { cause: error });
    }
  }

  /** The statements of a text; those that are no SQL are named with the reason, and the others are read all the same. */
  readable(text: string): {
    readonly statements: readonly ParsedStatement[];
    readonly refused: readonly { readonly sql: string; readonly reason: string }[];
  } {
    try {
      return { statements: this.statements(text), refused: [] };
    } catch (error) {
      const parts = this.#parts(text);
      if (parts.length < 2) return { statements: [], refused: [{ sql: text.trim(), reason: messageOf(error) }] };
      const read = parts.map((part) => this.readable(part));
      return {
        statements: read.flatMap(({ statements }) => statements),
        refused: read.flatMap(({ refused }) => refused),
      };
    }
  }

  /** A statement with a parameter for each literal, counted on from those that it has. @throws AutopilotError AP_PLANNER_STATEMENT */
  withoutLiterals(sql: string): string {
    try {
      return parameterizedStatement(this.#library.normalizeSync(sql));
    } catch (error) {
      throw new AutopilotError('AP_PLANNER_STATEMENT', `This is no SQL: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Where semicolons stand that are in no string, name or comment; one part where a text can't even be cut into words. */
  #parts(text: string): readonly string[] {
    try {
      const bytes = Buffer.from(text);
      let start = 0;
      const ends = this.#library.scanSync(text).tokens.flatMap((token) => (token.text === ';' ? token.end : []));
      return [...ends, bytes.length]
        .map((end) => {
          const part = bytes.subarray(start, end).toString();
          start = end;
          return part;
        })
        .filter((part) => part.replace(/;\s*$/, '').trim() !== '');
    } catch {
      return [text];
    }
  }

  /** The tree of an expression; null when it is none that a statement could have. */
  expression(text: string): Node | null {
    try {
      const [first] = this.#library.parseSync(`SELECT ${text}`).stmts ?? [];
      const select = first?.stmt !== undefined && 'SelectStmt' in first.stmt ? first.stmt.SelectStmt : undefined;
      const target = select?.targetList?.[0];
      return (target !== undefined && 'ResTarget' in target ? target.ResTarget.val : undefined) ?? null;
    } catch {
      return null;
    }
  }
}

interface Relation {
  readonly schemaname?: string;
  readonly relname?: string;
}

function writing(node: Node | object): Pick<ParsedStatement, 'kind' | 'written'> {
  const to = (relation: Relation | undefined, columns: readonly (string | undefined)[]): ParsedStatement['written'] =>
    relation?.relname === undefined
      ? null
      : {
          schema: relation.schemaname ?? null,
          name: relation.relname,
          columns: columns.filter((column) => column !== undefined),
        };
  const names = (targets: readonly Node[] | undefined): readonly (string | undefined)[] =>
    (targets ?? []).map((target) => ('ResTarget' in target ? target.ResTarget.name : undefined));
  if ('SelectStmt' in node) return { kind: 'select', written: null };
  if ('InsertStmt' in node) return { kind: 'insert', written: to(node.InsertStmt.relation, []) };
  if ('UpdateStmt' in node)
    return { kind: 'update', written: to(node.UpdateStmt.relation, names(node.UpdateStmt.targetList)) };
  if ('DeleteStmt' in node) return { kind: 'delete', written: to(node.DeleteStmt.relation, []) };
  if ('MergeStmt' in node) return { kind: 'merge', written: to(node.MergeStmt.relation, []) };
  return { kind: 'other', written: null };
}
