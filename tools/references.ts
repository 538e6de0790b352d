import { isCodeFile, isSyntaxNode, type ParsedSource, type SyntaxNode, walk } from './syntax.ts';

/**
 * How a file names another module:
 * `import` loads it with the file (type-only imports count: they bind the shapes as firmly), `dynamic` when the
 * call is reached, `program` only names it, for a child process, a worker or a resolver.
 */
export type ReferenceKind = 'import' | 'dynamic' | 'program';

export interface Reference {
  readonly kind: ReferenceKind;
  /** As written; of a template with expressions only the part before the first of them. Undefined: not readable from the text. */
  readonly specifier: string | undefined;
  /** Relative to the file even without a leading `./`, as the first argument of `new URL` is. */
  readonly isPath: boolean;
  readonly line: number;
}

/** Every module that a parsed file names, in the order of the text. */
export function referencesOf(source: ParsedSource): Reference[] {
  const found: Reference[] = [];
  const add = (kind: ReferenceKind, at: SyntaxNode, specifier: string | undefined, isPath = false): void => {
    found.push({ kind, specifier, isPath, line: source.lineAt(at.start) });
  };
  walk(source.program, (node) => {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
      case 'TSImportType':
        if (isSyntaxNode(node['source'])) add('import', node, textOf(node['source']));
        break;
      case 'TSExternalModuleReference':
        add('import', node, textOf(node['expression']));
        break;
      case 'TSModuleDeclaration':
        // `declare module 'fastify'` adds to that module's types, so the file depends on it.
        if (textOf(node['id']) !== undefined) add('import', node, textOf(node['id']));
        break;
      case 'ImportExpression':
        add('dynamic', node, textOf(node['source']));
        break;
      case 'NewExpression':
        if (isName(node['callee'], 'URL') && mentionsImportMeta(argumentsOf(node)[1])) {
          for (const path of codePathsIn(argumentsOf(node)[0])) add('program', node, path, true);
        }
        break;
      case 'CallExpression':
        addCall(node, add);
        break;
    }
  });
  return found;
}

type Add = (kind: ReferenceKind, at: SyntaxNode, specifier: string | undefined, isPath?: boolean) => void;

function addCall(call: SyntaxNode, add: Add): void {
  const callee = call['callee'];
  const [first, ...rest] = argumentsOf(call);
  if (isName(callee, 'require') || (isSyntaxNode(callee) && isName(callee['callee'], 'createRequire'))) {
    add('import', call, textOf(first));
  } else if (isMember(callee, 'resolve') && (isName(callee['object'], 'require') || isImportMeta(callee['object']))) {
    add('program', call, textOf(first));
  } else if (
    // join(import.meta.dirname, '..', 'cli', 'main.ts')
    (isName(callee, 'join') || isName(callee, 'resolve') || isMember(callee, 'join') || isMember(callee, 'resolve')) &&
    isMember(first, 'dirname') &&
    isImportMeta(first['object'])
  ) {
    const parts = rest.map(textOf);
    const path = parts.join('/');
    if (!parts.includes(undefined) && isCodeFile(path)) add('program', call, path, true);
  }
}

function argumentsOf(call: SyntaxNode): SyntaxNode[] {
  return Array.isArray(call['arguments']) ? call['arguments'].filter(isSyntaxNode) : [];
}

/** The text of a string literal, or the fixed beginning of a template; undefined for anything else. */
function textOf(node: unknown): string | undefined {
  if (!isSyntaxNode(node)) return undefined;
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined;
  if (node.type !== 'TemplateLiteral' || !Array.isArray(node['quasis'])) return undefined;
  const value: unknown = isSyntaxNode(node['quasis'][0]) ? node['quasis'][0]['value'] : undefined;
  const start = typeof value === 'object' && value !== null && 'cooked' in value ? value.cooked : undefined;
  return typeof start === 'string' && start !== '' ? start : undefined;
}

/** Both paths of `new URL(built ? './main.js' : './main.ts', import.meta.url)`. */
function codePathsIn(node: SyntaxNode | undefined): string[] {
  const found: string[] = [];
  if (node !== undefined) {
    walk(node, (inner) => {
      const text = textOf(inner);
      if (text !== undefined && (isCodeFile(text) || endsAsCode(inner))) found.push(text);
    });
  }
  return found;
}

/** `./commands/${name}.ts`: where it leads is known from its beginning, that it is code from its end. */
function endsAsCode(node: SyntaxNode): boolean {
  const last: unknown = Array.isArray(node['quasis']) ? node['quasis'].at(-1) : undefined;
  const value: unknown = isSyntaxNode(last) ? last['value'] : undefined;
  return (
    typeof value === 'object' &&
    value !== null &&
    'cooked' in value &&
    typeof value.cooked === 'string' &&
    isCodeFile(`x${value.cooked}`)
  );
}

function isName(node: unknown, name: string): boolean {
  return isSyntaxNode(node) && node.type === 'Identifier' && node['name'] === name;
}

function isMember(node: unknown, property: string): node is SyntaxNode {
  return isSyntaxNode(node) && node.type === 'MemberExpression' && isName(node['property'], property);
}

function isImportMeta(node: unknown): boolean {
  return isSyntaxNode(node) && node.type === 'MetaProperty' && isName(node['meta'], 'import');
}

function mentionsImportMeta(node: SyntaxNode | undefined): boolean {
  let mentions = false;
  if (node !== undefined) {
    walk(node, (inner) => {
      mentions ||= isImportMeta(inner);
    });
  }
  return mentions;
}
