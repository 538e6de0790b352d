/**
 * The long fault tests, resumable: `npm run torture [-- name ...]`. Each tells after every batch of rounds how far it is
 * (bench/results/torture-<name>.json); run again it goes on from there, until its rounds are done, and then begins anew.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { registry } from '../packages/autopilot/src/config/registry.ts';

interface Torture {
  readonly rounds: number;
  readonly batch: number;
  /** A module that is told rounds and a seed, and writes what they came to as JSON on its last line. */
  readonly program: string;
}

interface Progress {
  readonly name: string;
  readonly rounds: number;
  readonly done: number;
  readonly date: string;
  readonly batches: readonly unknown[];
}

const root = join(import.meta.dirname, '..');
const results = join(root, 'bench', 'results');

const tortures: Readonly<Record<string, Torture>> = {
  outage: { rounds: 3, batch: 3, program: 'test/support/outage-torture-process.ts' },
  decodings: { rounds: 10_000, batch: 1_000, program: 'test/support/decodings-torture-process.ts' },
  aborts: { rounds: 30_000, batch: 30_000, program: 'test/support/aborts-torture-process.ts' },
  'accept-encoding': { rounds: 1_000_000, batch: 250_000, program: 'test/support/accept-encoding-torture-process.ts' },
  settings: { rounds: registry.size, batch: 10, program: 'test/support/settings-torture-process.ts' },
  config: { rounds: 500, batch: 50, program: 'test/support/config-torture-process.ts' },
  indexes: { rounds: 1_000, batch: 50, program: 'test/support/index-torture-process.ts' },
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !Object.hasOwn(tortures, name));
if (unknown.length > 0) {
  console.error(`There is no torture ${unknown.join(', ')}. Known: ${Object.keys(tortures).join(', ')}.`);
  process.exit(2);
}
mkdirSync(results, { recursive: true });
for (const [name, torture] of Object.entries(tortures)) {
  if (named.length > 0 && !named.includes(name)) continue;
  if (!(await run(name, torture))) {
    process.exitCode = 1;
    break;
  }
}

async function run(name: string, { rounds, batch, program }: Torture): Promise<boolean> {
  const file = join(results, `torture-${name}.json`);
  // `as`: written below.
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Progress) : null;
  const goesOn = before !== null && before.done < before.rounds;
  let done = goesOn ? before.done : 0;
  const batches: unknown[] = goesOn ? [...before.batches] : [];
  while (done < rounds) {
    const size = Math.min(batch, rounds - done);
    const found = await lastLine(join(root, program), [String(size), String(done + 1)]);
    if (found === null) {
      console.error(`${name}: failed after ${done} rounds, with seed ${done + 1}`);
      return false;
    }
    done += size;
    batches.push(JSON.parse(found));
    const progress: Progress = { name, rounds, done, date: new Date().toISOString(), batches };
    writeFileSync(file, `${JSON.stringify(progress, null, 2)}\n`);
    console.log(`${name}: ${done} of ${rounds} rounds  ${found}`);
  }
  return true;
}

/** null: it failed, and has said why. */
async function lastLine(program: string, args: readonly string[]): Promise<string | null> {
  const child = spawn(process.execPath, ['-C', 'source', program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const [code] = (await once(child, 'close')) as [number | null]; // as Node emits it
  return code === 0 ? (text.trimEnd().split('\n').at(-1) ?? '') : null;
}
