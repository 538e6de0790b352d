/**
 * The rules of docs/architecture.md ("Names", "Comments", "Types") that neither the compiler nor the linter knows.
 * Run by `npm run check`.
 */
import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import {
  codeFilesIn,
  isSyntaxNode,
  isTestFile,
  type ParsedSource,
  parseSource,
  type SyntaxNode,
  type Violation,
} from './syntax.ts';

const folders = ['packages', 'apps', 'test', 'bench', 'tools'];
const lineLimit = 500;
const onlyIndex = 'packages/autopilot/src/index.ts';
const emptyNames = /^(?:(?:.+-)?(?:utils?|helpers?|manager)|common|types|misc)$/;

export interface HouseReport {
  readonly files: number;
  readonly violations: readonly Violation[];
  /** Exports of the library without a TSDoc comment; listed on request (`--docs`), no reason to fail. */
  readonly undocumented: readonly Violation[];
}

/** Reads every code file of the repository at `root`. */
export function checkHouseRules(root: string): HouseReport {
  const violations: Violation[] = [];
  const undocumented: Violation[] = [];
  const paths = folders.flatMap((folder) => codeFilesIn(join(root, folder))).filter((path) => !isBuilt(root, path));
  for (const path of paths) {
    const file = relative(root, path).split(sep).join('/');
    const text = readFileSync(path, 'utf8');
    const add = (line: number, message: string): void => {
      violations.push({ file, line, message });
    };
    checkName(file, add);
    checkLength(text, add);
    const source = parseSource(path, text);
    checkReasons(file, source, add);
    checkTypeNames(source, add);
    if (file.startsWith('packages/autopilot/src/') && !isTestFile(file)) {
      checkDocs(source, text, (line, message) => {
        undocumented.push({ file, line, message });
      });
    }
  }
  if (paths.length === 0)
    violations.push({ file: '.', line: 0, message: 'saw no code: a run like that proves nothing' });
  return { files: paths.length, violations, undocumented };
}

/** The dashboard is built into the library's package. */
function isBuilt(root: string, path: string): boolean {
  return path.startsWith(join(root, 'packages/autopilot/assets', sep));
}

type Add = (line: number, message: string) => void;

function checkName(file: string, add: Add): void {
  const [name = '', ...parents] = file.split('/').reverse();
  const stem = name.replace(/(?:\.test|\.config|\.d)?\.[cm]?[jt]sx?$/, '');
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(stem)) add(0, 'file names are kebab-case, after their main export');
  for (const part of [stem, ...parents]) {
    if (emptyNames.test(part)) add(0, `'${part}' says nothing about what is inside: name the one thing it does`);
  }
  if (stem === 'index' && file !== onlyIndex) add(0, `no barrel: only ${onlyIndex} gathers exports`);
}

function checkLength(text: string, add: Add): void {
  const lines = text.split('\n').length - 1;
  if (lines > lineLimit)
    add(lineLimit + 1, `${lines} lines, the limit is ${lineLimit}: split it where the subject changes`);
}

/** `any`, `as` and `!` switch the compiler off; each needs a comment at its line, or above its statement, that says why it is right. */
function checkReasons(file: string, source: ParsedSource, add: Add): void {
  const lenient = isTestFile(file) || /^(?:test|bench)\//.test(file);
  const comments = source.comments.map(
    (comment) => [source.lineAt(comment.start), source.lineAt(comment.end)] as const,
  );
  const reported = new Set<number>();
  const visit = (node: SyntaxNode, statement: SyntaxNode): void => {
    const inner = isStatement(node) ? node : statement;
    const what = escapeHatch(node, lenient);
    if (what !== undefined) {
      const line = source.lineAt(node.start);
      const from = source.lineAt(inner.start) - 1;
      const to = source.lineAt(node.end);
      if (!reported.has(line) && !comments.some(([start, end]) => end >= from && start <= to)) {
        reported.add(line);
        add(line, `${what} needs a comment, here or above the statement, that says why it is right`);
      }
    }
    for (const child of childrenOf(node)) visit(child, inner);
  };
  visit(source.program, source.program);
}

function escapeHatch(node: SyntaxNode, lenient: boolean): string | undefined {
  if (node.type === 'TSAnyKeyword') return '`any`';
  if (lenient) return undefined;
  if (node.type === 'TSNonNullExpression') return '`!`';
  if (node.type !== 'TSAsExpression' && node.type !== 'TSTypeAssertion') return undefined;
  const target = node['typeAnnotation'];
  if (!isSyntaxNode(target)) return undefined;
  // Neither narrows anything.
  if (target.type === 'TSUnknownKeyword') return undefined;
  if (isSyntaxNode(target['typeName']) && target['typeName']['name'] === 'const') return undefined;
  return '`as`';
}

function isStatement(node: SyntaxNode): boolean {
  return /(?:Statement|Declaration|Definition|Signature)$/.test(node.type) || node.type === 'Property';
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  return Object.values(node).flatMap((value: unknown) => (Array.isArray(value) ? value : [value]).filter(isSyntaxNode));
}

function checkTypeNames(source: ParsedSource, add: Add): void {
  const visit = (node: SyntaxNode): void => {
    const id = node['id'];
    const name = isSyntaxNode(id) && typeof id['name'] === 'string' ? id['name'] : '';
    if (node.type === 'TSInterfaceDeclaration' && /^I[A-Z][a-z]/.test(name))
      add(source.lineAt(node.start), `${name}: interfaces carry no I`);
    if (node.type === 'ClassDeclaration' && name.startsWith('Abstract'))
      add(source.lineAt(node.start), `${name}: name what it is, not that it is abstract`);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(source.program);
}

/** Each exported declaration opens with a TSDoc comment. */
function checkDocs(source: ParsedSource, text: string, add: Add): void {
  const body = source.program['body'];
  const documented = new Set(
    source.comments
      .filter((comment) => comment.type === 'Block' && comment.value.startsWith('*'))
      .map((comment) => comment.end + (/^\s*/.exec(text.slice(comment.end, comment.end + 200))?.[0].length ?? 0)),
  );
  let previous = '';
  for (const node of Array.isArray(body) ? body.filter(isSyntaxNode) : []) {
    const declaration = node['declaration'];
    if (!/^Export(?:Named|Default)Declaration$/.test(node.type) || !isSyntaxNode(declaration)) continue;
    const name = nameOf(declaration);
    // The further signatures of an overloaded function share the first one's comment.
    if (!documented.has(node.start) && (name === '' || name !== previous)) {
      add(source.lineAt(node.start), `${name || 'this export'} has no TSDoc: say its purpose in a line`);
    }
    previous = name;
  }
}

function nameOf(declaration: SyntaxNode): string {
  const list = declaration['declarations'];
  const named: unknown = Array.isArray(list) ? list[0] : declaration;
  const id = isSyntaxNode(named) ? named['id'] : undefined;
  return isSyntaxNode(id) && typeof id['name'] === 'string' ? id['name'] : '';
}

if (import.meta.main) {
  const report = checkHouseRules(join(import.meta.dirname, '..'));
  const listed = process.argv.includes('--docs') ? [...report.violations, ...report.undocumented] : report.violations;
  for (const { file, line, message } of listed) console.log(`${file}:${line}: ${message}`);
  console.log(
    `${report.files} files, ${report.violations.length} violations, ${report.undocumented.length} exports without TSDoc`,
  );
  process.exitCode = report.violations.length === 0 ? 0 : 1;
}
