import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, isAbsolute, relative, resolve } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { messageOf } from '../kernel/errors.ts';
import { checkPlan, type PlanCheckOptions } from './check-plan.ts';
import { parseRows } from './data-rows.ts';
import type { DataSource, LoadPlan } from './plan.ts';
import { LoadPlanError } from './plan-error.ts';
import type { SchemaMistake } from './schema-check.ts';

/** How to read a plan. */
export interface ReadPlanOptions extends Omit<PlanCheckOptions, 'lineOf' | 'mistakes'> {
  /** Fields to put in the place of the file's own: another target, another load. */
  readonly replace?: Partial<LoadPlan>;
  /** Fields for where the plan has none. */
  readonly missing?: Partial<LoadPlan>;
}

/**
 * Reads a plan and the data files it names: YAML or JSON, or a TypeScript or JavaScript module whose default export is a plan
 * (see definePlan). A module runs with the rights of this process; read only your own.
 * @throws LoadPlanError with line and remedy of everything that is wrong
 */
export function readPlan(path: string, options: ReadPlanOptions = {}): LoadPlan {
  const file = resolve(path);
  const source = options.source ?? basename(file);
  const settings = { ...options, source, directory: dirname(file) };
  if (/^\.[cm]?[jt]s$/.test(extname(file))) {
    const value = defaultExportOf(file, source);
    // A module makes its plan by running: where it begins to is the line that can be told.
    const line = lineOfExport(readFileSync(file, 'utf8'));
    return finishReading(value, settings, () => line);
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw mistake(source, `The plan can't be read: ${messageOf(thrown)}.`, 'Check the path.', thrown);
  }
  return parsePlan(text, settings);
}

/**
 * Reads a plan from YAML or JSON text. Without a `directory` a plan that names data files is refused: text that came over a
 * network must not read files here.
 * @throws LoadPlanError
 */
export function parsePlan(text: string, options: ReadPlanOptions & { readonly directory?: string } = {}): LoadPlan {
  const lines = new LineCounter();
  // JSON is YAML, so that both have lines.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const source = options.source ?? 'plan';
  if (document.errors.length > 0) {
    throw new LoadPlanError(
      source,
      document.errors.map(({ message, pos }) => ({
        place: '',
        line: lines.linePos(pos[0]).line,
        message: `It is no YAML: ${message}.`,
        remedy: 'Correct the line; mind indentation, and put texts with ": " or "${" at their beginning in quotes.',
      })),
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 1000 });
  } catch (thrown) {
    throw mistake(source, `It can't be read: ${messageOf(thrown)}.`, 'Use fewer aliases.', thrown);
  }
  const lineOf = (place: readonly (string | number)[]): number | null => {
    const offset = offsetOf(document.contents, place, (node) => (isAlias(node) ? node.resolve(document) : node));
    return offset === undefined ? null : lines.linePos(offset).line;
  };
  return finishReading(value, { ...options, source }, lineOf);
}

/**
 * Reads a plan that came as a value, so that its mistakes have a place and no line; otherwise as parsePlan().
 * @throws LoadPlanError
 */
export function planFromValue(value: unknown, options: ReadPlanOptions = {}): LoadPlan {
  return finishReading(value, options, () => null);
}

function finishReading(
  value: unknown,
  options: ReadPlanOptions & { readonly directory?: string },
  lineOf: (place: readonly (string | number)[]) => number | null,
): LoadPlan {
  const { replace, missing, directory, ...check } = options;
  const mistakes: SchemaMistake[] = [];
  let plan: unknown = isFields(value) ? { ...missing, ...value, ...replace } : value;
  if (isFields(plan) && isFields(plan['data'])) {
    plan = {
      ...plan,
      data: Object.fromEntries(
        Object.entries(plan['data']).map(([name, source]) => [name, readSource(name, source, directory, mistakes)]),
      ),
    };
  }
  const checked = checkPlan(plan, { ...check, lineOf, mistakes });
  const { $schema: _, ...rest } = checked as LoadPlan & { $schema?: string }; // `as`: the schema allows that one field more, for editors
  return rest;
}

/** A data source with the rows of its file. */
function readSource(name: string, source: unknown, directory: string | undefined, mistakes: SchemaMistake[]): unknown {
  if (!isFields(source) || typeof source['file'] !== 'string' || source['rows'] !== undefined) return source;
  const { file } = source;
  const wrong = (message: string, remedy: string): unknown => {
    mistakes.push({ place: ['data', name, 'file'], message, remedy });
    return { ...source, rows: [null] };
  };
  if (directory === undefined) {
    return wrong('A plan that is not read from a file can name none.', 'Give the rows instead.');
  }
  const path = resolve(directory, file);
  const inside = relative(directory, path);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    return wrong(`${file} lies outside the plan's directory.`, 'Put it beside the plan.');
  }
  try {
    const read: DataSource = { ...source, rows: parseRows(file, readFileSync(path, 'utf8')) };
    return read;
  } catch (thrown) {
    return wrong(
      `${file} can't be used: ${messageOf(thrown)}.`,
      'Give a .csv with a header line, a .json array or .jsonl.',
    );
  }
}

function defaultExportOf(file: string, source: string): unknown {
  try {
    const load = createRequire(file);
    const module: unknown = load(file);
    return isFields(module) && 'default' in module ? module['default'] : module;
  } catch (thrown) {
    throw mistake(source, `The module can't be loaded: ${messageOf(thrown)}.`, 'Export the plan as default.', thrown);
  }
}

/** The line from 1 on which a module's plan begins; null: that can't be told. */
function lineOfExport(text: string): number | null {
  const lines = text.split('\n');
  for (const beginning of [/\bdefinePlan\(/, /^export default\b/, /^module\.exports\b/]) {
    const at = lines.findIndex((line) => beginning.test(line));
    if (at >= 0) return at + 1;
  }
  return null;
}

/** Where the node at a place begins: its key, where it has one. What is missing answers with what it is missing from. */
function offsetOf(
  root: unknown,
  place: readonly (string | number)[],
  follow: (node: unknown) => unknown,
): number | undefined {
  let node = follow(root);
  let offset = startOf(node);
  for (const part of place) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? key.value : key) === part);
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      next = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      next = node.items[part];
      offset = startOf(next) ?? offset;
    }
    if (next === undefined || next === null) break;
    node = follow(next);
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range?.[0] : undefined;
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mistake(source: string, message: string, remedy: string, cause: unknown): LoadPlanError {
  return new LoadPlanError(source, [{ place: '', line: null, message, remedy }], cause);
}
