/** `autopilot load` as people use it: against a service of known capacity, on loopback. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArguments } from '../../packages/autopilot/src/cli/command.ts';
import { load } from '../../packages/autopilot/src/cli/commands/load.ts';
import type { LoadReport } from '../../packages/autopilot/src/load/load-report.ts';
import { leakCheck } from '../support/leak-check.ts';
import { type LoadTarget, loadTarget } from '../support/load-target.ts';

leakCheck(after);

/** One at a time, in the order they come, 20 ms each: 50 a second, whoever asks. */
const SERVICE_MS = 20;
const CAPACITY = 1000 / SERVICE_MS;

let target: LoadTarget;
let folder = '';
let asked = 0;
let keysGiven = 0;
const keysBack = new Set<string>();
before(async () => {
  let free = 0;
  target = await loadTarget('http', async ({ url }) => {
    asked++;
    if (url === '/missing') return { status: 404, body: '<script>alert(1)</script>' };
    if (url === '/in') return { body: JSON.stringify({ key: ++keysGiven }) };
    if (url.startsWith('/out?key=')) {
      keysBack.add(url);
      return {};
    }
    const now = performance.now();
    free = Math.max(now, free) + SERVICE_MS;
    await delay(free - now);
    return {};
  });
  folder = mkdtempSync(join(tmpdir(), 'load-command-'));
});
after(async () => {
  await target[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

async function run(...args: readonly string[]): Promise<Ran> {
  const out: string[] = [];
  const error: string[] = [];
  const { values, operands } = readArguments(load, args, {});
  const terminal = {
    environment: {},
    out: (line: string) => out.push(line),
    error: (line: string) => error.push(line),
  };
  const code = await load.run(values, terminal, operands);
  return { code, out: out.join('\n'), error: error.join('\n') };
}

function file(name: string): string {
  return join(folder, name);
}

function planFile(name: string, rest: string): string {
  const path = file(name);
  writeFileSync(path, `name: planted\ntarget: ${target.origin}\n${rest}`);
  return path;
}

const FLOWS = 'flows:\n  - name: look\n    steps:\n      - { name: look, path: / }\n';

describe('autopilot load', () => {
  it('runs a plan and writes what came of it, for people, programs and CI', async () => {
    const plan = planFile(
      'plan.yaml',
      `load: { kind: arrivals, users: 20, stages: [{ durationMs: 1500, ratePerSecond: 20 }] }\nabort: { errorRatio: 1 }\nthresholds: ["p99 < 5 s", "lost: p50 < 1", "errorRatio <= 60 %"]\n${FLOWS}      - { name: lost, path: /missing }\n`,
    );
    const [json, html, junit] = [file('run.json'), file('run.html'), file('run.xml')];
    const { code, out, error } = await run('run', plan, '--json', json, '--html', html, '--junit', junit);
    assert.equal(code, 1, 'a threshold was missed');
    assert.match(out, /^ {2}met {5}p99 < 5 s/m);
    assert.match(out, /^ {2}MISSED {2}lost: p50 < 1 {2}\(nothing was measured\)$/m);
    assert.match(out, /^ {2}lost: status 404, \d+ times$/m);
    assert.match(error, /^\[[#.]{20}\] /);
    const page = readFileSync(html, 'utf8');
    assert.match(page, /<svg /);
    assert.doesNotMatch(page, /<script|https?:\/\/(?!127\.0\.0\.1)/);
    const cases = readFileSync(junit, 'utf8');
    assert.match(cases, /<testsuites tests="5" failures="[12]">/);
    assert.match(cases, /name="lost: p50 &lt; 1">/);
    const again = await run('report', json, '--html', file('again.html'));
    assert.equal(again.code, 1);
    assert.equal(again.out, out);
    assert.equal(readFileSync(file('again.html'), 'utf8'), page);
  });

  it('finds where a service of known capacity breaks, and models it', async () => {
    const plan = planFile(
      'knee.yaml',
      `load: { kind: arrivals, users: 100, stages: [{ durationMs: 1000, ratePerSecond: 26 }] }\nprepare: [{ name: in, path: /in, take: { key: { json: key } } }]\nfinish: [{ name: out, path: "/out?key=\${key}" }]\n${FLOWS}`,
    );
    const objective = ['--step', '1', '--tolerance', '0.45', '--objective', 'p95 < 200'];
    const { code, out, error } = await run('knee', plan, ...objective, '--json', file('knee.json'));
    assert.equal(code, 0, `${out}\n${error}`);
    const { stress, result } = JSON.parse(readFileSync(file('knee.json'), 'utf8')) as LoadReport; // as it was written
    assert.equal(stress?.state, 'found');
    // Steps of a second let a queue of 200 ms pass: a fifth more than what is served.
    const { knee, broke } = stress;
    assert.ok((knee ?? 0) > 0.4 * CAPACITY && (knee ?? 0) < 1.25 * CAPACITY, `${knee} ${broke}`);
    assert.ok((broke ?? 0) / (knee ?? 1) <= 1.45);
    assert.ok(result.measured.ratePerSecond > 0.4 * CAPACITY);
    assert.match(out, /knee: /);
    assert.equal(keysGiven, 100, 'users sign in once, however many levels are tried');
    assert.equal(keysBack.size, 100, 'and sign out once');
  });

  it('tries a plan for a moment, and says which steps it did not reach', async () => {
    const plan = planFile(
      'smoke.yaml',
      `load: { kind: users, stages: [{ durationMs: 60000, users: 50 }] }\n${FLOWS}      - { name: never, path: /, chance: 0 }\n`,
    );
    const { code, out } = await run('run', plan, '--users', '1', '--duration', '1');
    // 1 where the machine was so busy that the run is not valid.
    assert.ok(code === 0 || code === 1, out);
    assert.match(out, /no request was sent of: never/);
  });

  it('compares two runs', async () => {
    const { out, code } = await run('compare', file('run.json'), file('run.json'));
    assert.equal(code, 1);
    assert.match(out, /^Verdict: not-enough-data$/m);
  });

  it('puts together what several machines have found', async () => {
    const { out, code } = await run('merge', file('run.json'), file('run.json'), '--json', file('all.json'));
    assert.equal(code, 1, 'a threshold was missed');
    assert.match(out, /MISSED {2}lost: p50 < 1/);
    const [one, all] = ['run.json', 'all.json'].map(
      (name) => JSON.parse(readFileSync(file(name), 'utf8')) as LoadReport, // as it was written
    );
    assert.equal(all?.result.measured.requests, 2 * (one?.result.measured.requests ?? 0));
    assert.equal(all?.result.generator.machines, 2);
    await assert.rejects(run('merge', file('run.json'), file('knee.json')), /not of one test|stress test/);
    await assert.rejects(run('merge', file('run.json')), /two machines or more/);
    const plan = file('plan.yaml');
    const others = ['--run-id', 'night', '--start-at', new Date(Date.now() + 60_000).toISOString()];
    await assert.rejects(run('run', plan, '--machine', '1/2'), /belong together/);
    await assert.rejects(run('run', plan, '--machine', '3/2', ...others), /--machine is "3\/2"/);
    await assert.rejects(run('knee', plan, '--machine', '1/2', ...others), /one machine/);
    const past = ['--run-id', 'night', '--start-at', '2020-01-01T00:00:00Z'];
    await assert.rejects(run('run', plan, '--machine', '1/2', ...past), /--start-at is "2020/);
  });

  it('sends nothing where the plan has mistakes or the target is not on the list', async () => {
    asked = 0;
    const wrong = planFile(
      'wrong.yaml',
      `load: { kind: arrivals, users: 1, stages: [{ durationMs: 1000, ratePerSecond: -4 }] }\nwarmup: 3\n${FLOWS}`,
    );
    const mistakes = await run('run', wrong);
    assert.equal(mistakes.code, 2);
    assert.match(mistakes.error, /wrong\.yaml:4: warmup: .*warmupMs/);
    const late = planFile(
      'late.yaml',
      `load: { kind: arrivals, users: 1, stages: [{ durationMs: 1000, ratePerSecond: 4 }] }\nthresholds: [p98 < 3, "lock: p95 < 1"]\n${FLOWS}`,
    );
    const judged = await run('run', late);
    assert.equal(judged.code, 2);
    assert.match(judged.error, /late\.yaml:4: thresholds\[0\]: "p98 < 3" can't be judged/);
    assert.match(judged.error, /late\.yaml:4: thresholds\[1\]: No step is called "lock"\. "look" was probably meant/);
    const elsewhere = await run('run', file('knee.yaml'), '--target', 'http://192.0.2.1');
    assert.equal(elsewhere.code, 2);
    assert.match(elsewhere.error, /not among the targets that may be tested/);
    await assert.rejects(run('run', file('knee.yaml'), '--allow', 'nonsense'), /names no target/);
    await assert.rejects(run('ruin', 'x'), { remedy: '"run" was probably meant.' });
    assert.equal(asked, 0);
  });

  it('says by its exit code that the target does not answer', async () => {
    const plan = planFile('gone.yaml', `load: { kind: users, stages: [{ durationMs: 1000, users: 1 }] }\n${FLOWS}`);
    const { code, out } = await run('run', plan, '--target', 'http://127.0.0.1:1');
    assert.equal(code, 3);
    assert.match(out, /no connection/);
  });
});
