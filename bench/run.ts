import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchFindings, type BenchOptions, type BenchResult, type BenchRow, commit, machine } from './result.ts';

/** `npm run bench [-- name ... --quick]`: runs every published figure, or those named, prints and keeps them. */

const here = import.meta.dirname;
const results = join(here, 'results');

const { values: flags, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});

const known = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(here, entry.name, `${entry.name}.ts`)))
  .map((entry) => entry.name);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. Known: ${known.join(', ')}.`);
  process.exit(2);
}

for (const name of positionals.length > 0 ? positionals : known) {
  console.log(`\n# ${name}`);
  const script = (await import(`./${name}/${name}.ts`)) as {
    run(options: BenchOptions): Promise<BenchFindings>; // `as`: every script of this folder exports run
  };
  const findings = await script.run({ quick: flags.quick, log: (line) => console.error(line) });
  const file = join(results, `${name}.json`);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as BenchResult) : null; // `as`: written below
  printTable(findings.rows, before?.rows ?? []);
  for (const { goal, measured, met } of findings.goals)
    console.log(`${met ? 'met    ' : 'MISSED '} ${goal}: ${measured}`);
  for (const note of findings.notes) console.log(`- ${note}`);
  if (flags.quick) {
    console.log('(quick run: not kept)');
    continue;
  }
  mkdirSync(results, { recursive: true });
  const result: BenchResult = {
    name,
    machine: machine(),
    commit: commit(),
    date: new Date().toISOString(),
    ...findings,
  };
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
}

/** Prints the rows; a number that was measured before is followed by its change in percent. */
function printTable(rows: readonly BenchRow[], before: readonly BenchRow[]): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const label = columns[0] ?? '';
  const cells = rows.map((row) => {
    const former = before.find((candidate) => candidate[label] === row[label]);
    return columns.map((column) => {
      const value = row[column] ?? '';
      const was = former?.[column];
      if (typeof value !== 'number') return value;
      const change = typeof was === 'number' && was !== 0 ? ` (${signed(100 * (value / was - 1))} %)` : '';
      return Number(value.toPrecision(4)).toString() + change;
    });
  });
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ');
  console.log(line(columns));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of cells) console.log(line(row));
}

function signed(percent: number): string {
  return `${percent >= 0 ? '+' : ''}${percent.toFixed(0)}`;
}
