/** Writes what was measured, bench/results/, as text: docs/reference/measured.md, and the tables of the README. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchResult, BenchRow } from '../bench/result.ts';

/** Every figure that was published, by the name of its benchmark. */
export function readResults(directory: string): readonly BenchResult[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.json') && !name.startsWith('torture-'));
  // `as`: bench/run.ts wrote them.
  return names.sort().map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as BenchResult);
}

/** The page of all goals, tables and notes. */
export function measuredPage(results: readonly BenchResult[]): string {
  const goals = results.flatMap((result) => result.goals);
  const lines = [
    '# Measured',
    '',
    'Made by `npm run docs` from [bench/results/](../../bench/results), which `npm run bench -- <name>` writes. ' +
      `${goals.filter(({ met }) => met).length} of ${goals.length} goals are met.`,
    '',
    ...goalTable(results),
  ];
  for (const { name, machine, commit, date, rows, notes } of results) {
    const { cpu, cores, memoryBytes, node } = machine;
    lines.push(
      '',
      `## ${name}`,
      '',
      `${date.slice(0, 10)}, commit ${commit}, ${cpu}, ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GiB, Node ${node}`,
      '',
      ...figureTable(rows),
      '',
      ...notes.map((note) => `- ${note}`),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A text with the table of a benchmark between `<!-- measured: name -->` and `<!-- measured end -->`, and by the name `goals` which are met. */
export function withFigures(text: string, results: readonly BenchResult[]): string {
  return text.replaceAll(
    /(<!-- measured: ([a-z-]+) -->\n)[^]*?(<!-- measured end -->)/g,
    (_all, begin: string, name: string, end: string) => {
      const result = results.find((one) => one.name === name);
      const table = name === 'goals' ? goalSummary(results) : figureTable(result?.rows ?? []);
      return `${begin}\n${table.join('\n')}\n\n${end}`;
    },
  );
}

function goalTable(results: readonly BenchResult[]): readonly string[] {
  return [
    '| `npm run bench --` | goal | measured | |',
    '|---|---|---|---|',
    ...results.flatMap(({ name, goals }) =>
      goals.map(({ goal, measured, met }) => row([name, goal, measured, met ? 'met' : '**missed**'])),
    ),
  ];
}

/** A line for each benchmark; what it missed by name. */
function goalSummary(results: readonly BenchResult[]): readonly string[] {
  return [
    '| `npm run bench --` | goals met | missed |',
    '|---|---|---|',
    ...results.map(({ name, goals }) => {
      const missed = goals.filter(({ met }) => !met).map(({ goal, measured }) => `${goal} (${measured})`);
      return row([name, `${goals.length - missed.length} of ${goals.length}`, missed.join('; ')]);
    }),
  ];
}

function figureTable(rows: readonly BenchRow[]): readonly string[] {
  const columns = [...new Set(rows.flatMap((one) => Object.keys(one)))];
  return [
    row(columns),
    `|${'---|'.repeat(columns.length)}`,
    ...rows.map((one) => row(columns.map((column) => String(one[column] ?? '')))),
  ];
}

function row(cells: readonly string[]): string {
  const shown = cells.map((cell) =>
    cell.replaceAll('|', '\\|').replace(/^ +/, (indent) => '&nbsp;'.repeat(indent.length)),
  );
  return `| ${shown.join(' | ')} |`;
}
