import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Comment, parseSync } from 'oxc-parser';

/** A node of the syntax tree (ESTree with TypeScript's additions), seen only through the fields a check asks for. */
export interface SyntaxNode {
  readonly type: string;
  /** Offset of the first character in the text. */
  readonly start: number;
  /** Offset behind the last character. */
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface ParsedSource {
  readonly program: SyntaxNode;
  readonly comments: readonly Comment[];
  /** Messages of the parser; not empty: the tree may be incomplete. */
  readonly errors: readonly string[];
  /** Line number, from 1, of an offset. */
  lineAt(offset: number): number;
}

/** Something a check found. */
export interface Violation {
  /** Relative to the repository's root. */
  readonly file: string;
  /** From 1; 0 where the whole file or folder is meant. */
  readonly line: number;
  readonly message: string;
}

const codeFile = /\.[cm]?[jt]sx?$/;
const foldersWithoutSources = new Set(['node_modules', 'dist']);

/** True for every name that a JavaScript engine, TypeScript or a bundler takes for a module. */
export function isCodeFile(name: string): boolean {
  return codeFile.test(name) && codeFile.exec(name)?.index !== 0;
}

export function isTestFile(path: string): boolean {
  return /\.test\.[cm]?[jt]sx?$/.test(path);
}

/** All code files below `folder`, absolute and sorted; none when the folder does not exist. Folders that begin with a dot hold none. */
export function codeFilesIn(folder: string): string[] {
  const found: string[] = [];
  const visit = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && !foldersWithoutSources.has(entry.name)) visit(join(path, entry.name));
      } else if (entry.isFile() && isCodeFile(entry.name)) {
        found.push(join(path, entry.name));
      }
    }
  };
  try {
    visit(folder);
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')) throw thrown;
  }
  return found.sort();
}

/** Parses JavaScript or TypeScript by the ending of `path`, without needing the file's imports or its types. */
export function parseSource(path: string, text: string): ParsedSource {
  const parsed = parseSync(basename(path), text, { sourceType: 'module' });
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return {
    // The parser's own types have a name for each of 200 kinds of node; a walk over all of them needs only these three fields.
    program: parsed.program as unknown as SyntaxNode,
    comments: parsed.comments,
    errors: parsed.errors.map((error) => error.message),
    lineAt(offset: number): number {
      let low = 0;
      let high = lineStarts.length;
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if ((lineStarts[middle] ?? Number.POSITIVE_INFINITY) <= offset) low = middle;
        else high = middle;
      }
      return low + 1;
    },
  };
}

export function isSyntaxNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** Calls `visit` for `node` and everything below it, parents before children. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isSyntaxNode(item)) walk(item, visit);
    } else if (isSyntaxNode(value)) {
      walk(value, visit);
    }
  }
}
