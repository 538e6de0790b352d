import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { hashOf } from '../../packages/autopilot/src/config/content.ts';
import type { ConfigContent } from '../../packages/autopilot/src/contract/configuration.ts';

interface VersionRow {
  readonly version: number;
  readonly hash: string;
  readonly content: ConfigContent;
}

/** What rounds of killing came to. */
export interface ConfigTorture {
  readonly rounds: number;
  readonly versions: number;
  /** Kills that left an order open, so that they hit a change under way. */
  readonly interrupted: number;
}

/**
 * Kills a process that changes the configuration, at random points, and looks after each death: every version that was
 * answered is there and whole, what lies on the disks of instances is a version that was committed, and the next process
 * finishes what was left open.
 */
export async function tortureConfiguration(
  url: string,
  rounds: number,
  random: () => number,
  onRound: (round: number) => void = () => {},
): Promise<ConfigTorture> {
  const folder = mkdtempSync(join(tmpdir(), 'config-torture-'));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let interrupted = 0;
    let versions = 0;
    const answered = new Map<number, number>();
    for (let round = 1; round <= rounds; round++) {
      const started = await live(url, folder, round * 100_000, random() * 120, answered);
      for (const [version, maxRoutes, maxTenants] of started) {
        // Before the first version both are the same by default.
        assert.equal(maxRoutes, maxTenants, `an instance started with half of version ${String(version)}`);
      }
      const open = await client.query<{ n: number }>(
        `SELECT count(*)::integer AS n FROM autopilot.trials WHERE state = 'applying'`,
      );
      interrupted += Math.min(1, open.rows[0]?.n ?? 0);
      const kept = await client.query<VersionRow>(
        'SELECT version, hash, content FROM autopilot.config_versions ORDER BY version',
      );
      versions = kept.rows.length;
      const byVersion = new Map(kept.rows.map((row) => [row.version, row.content.fleet]));
      kept.rows.forEach(({ version, hash, content }, index) => {
        // Older ones have made room.
        if (index > 0) assert.equal(version, (kept.rows[index - 1]?.version ?? 0) + 1, 'a number is missing');
        assert.equal(hash, hashOf(content), `version ${version} is not what was written`);
        assert.equal(content.fleet['monitoring.maxRoutes'], content.fleet['monitoring.maxTenants'], 'half a version');
      });
      for (const [version, value] of answered) {
        assert.equal(
          byVersion.get(version)?.['monitoring.maxRoutes'],
          value,
          `version ${version} was answered and is lost`,
        );
      }
      answered.clear();
      for (const name of readdirSync(folder).filter((one) => one.endsWith('.json'))) {
        const order = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
          readonly version: number;
          readonly layers: { readonly fleet: ConfigContent['fleet'] };
        }; // as LastGood writes it
        assert.deepEqual(
          order.layers.fleet,
          byVersion.get(order.version),
          `${name} holds no version that was committed`,
        );
      }
      onRound(round);
    }
    return { rounds, versions, interrupted };
  } finally {
    await client.end();
    rmSync(folder, { recursive: true });
  }
}

/** One life: starts, changes, and is killed so many ms after its first version was answered. */
async function live(
  url: string,
  folder: string,
  first: number,
  lifeMs: number,
  answered: Map<number, number>,
): Promise<readonly (readonly [number, number, number])[]> {
  const child = spawn(
    process.execPath,
    ['-C', 'source', join(import.meta.dirname, 'config-changer.ts'), url, folder, String(first)],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
  );
  const ended = once(child, 'exit');
  let started: readonly (readonly [number, number, number])[] | null = null;
  let timer: NodeJS.Timeout | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const version = /^version (\d+) (\d+)$/.exec(line);
    if (version !== null) answered.set(Number(version[1]), Number(version[2]));
    // As config-changer.ts writes it.
    else started = JSON.parse(line.slice('started '.length)) as readonly (readonly [number, number, number])[];
    if (version !== null) timer ??= setTimeout(() => child.kill('SIGKILL'), lifeMs);
  }
  const [code, signal] = (await ended) as [number | null, string | null]; // as Node emits it
  assert.equal(signal, 'SIGKILL', `it ended by itself with code ${String(code)}`);
  assert.ok(started !== null);
  return started;
}
