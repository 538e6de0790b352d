import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readArguments } from '../../packages/autopilot/src/cli/command.ts';
import { config } from '../../packages/autopilot/src/cli/commands/config.ts';
import { type ControlWorld, controlWorld, TOKEN } from '../support/control-world.ts';

let world: ControlWorld;
let folder = '';
before(async () => {
  world = await controlWorld({ service: 'orders' });
  folder = mkdtempSync(join(tmpdir(), 'config-command-'));
});
after(async () => {
  await world[Symbol.asyncDispose]();
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
  const environment = { AUTOPILOT_TOKEN: TOKEN, AUTOPILOT_URL: world.plane.address };
  const { values, operands } = readArguments(config, args, environment);
  const terminal = { environment, out: (line: string) => out.push(line), error: (line: string) => error.push(line) };
  const code = await config.run(values, terminal, operands);
  return { code, out: out.join('\n'), error: error.join('\n') };
}

test('a setting is looked at, changed, compared, restored and moved, from the command line', async () => {
  assert.match((await run('get', 'monitoring')).out, /^ {2}monitoring\.requests +true {2}\(default\)$/m);
  const set = await run('set', 'monitoring.maxRoutes=50', 'monitoring.requests=false', '--note', 'fewer');
  assert.equal(set.code, 0);
  assert.match(set.out, /^monitoring\.maxRoutes {2}\(not set\) -> 50 {2}\(fleet\)$/m);
  assert.match(set.out, /^warning: monitoring\.requests: without requests/m);
  assert.match(set.out, /^control-plane: applied$/m);
  assert.match(set.out, /^Version 1\.$/m);
  const one = await run('get', 'monitoring.maxRoutes');
  assert.match(one.out, /^monitoring\.maxRoutes = 50 {2}\(fleet\)$/m);
  assert.match(one.out, /AUTOPILOT__MONITORING__MAX_ROUTES/);
  await run('set', 'monitoring.maxRoutes=null');
  assert.match((await run('history')).out, /^ {2}1 +\S+ {2}administrator {2}person: fewer$/m);
  assert.match((await run('diff', '1')).out, /^monitoring\.maxRoutes {2}50 -> \(not set\)/);
  const dry = await run('restore', '1', '--dry-run');
  assert.match(dry.out, /^monitoring\.maxRoutes {2}\(not set\) -> 50 /m);
  assert.doesNotMatch(dry.out, /^Version/m);
  assert.doesNotMatch((await run('set', 'monitoring.maxRoutes=40', '--dry-run')).out, /^Version/m);
  assert.match((await run('restore', '1')).out, /^Version 3\.$/m);
  const exported = await run('export');
  assert.match(exported.out, /^ {4}maxRoutes: 50$/m);
  const file = join(folder, 'settings.yaml');
  writeFileSync(file, exported.out.replace('maxRoutes: 50', 'maxRoutes: 60'));
  assert.match((await run('import', file, '--dry-run')).out, /maxRoutes {2}50 -> 60/);
  assert.match((await run('import', file)).out, /^Version 4\.$/m);
  assert.match((await run('preset')).out, /^ {2}production +/m);
  assert.match((await run('preset', 'staging', '--dry-run')).out, /health\.p95Ms {2}\(not set\) -> 1000 {2}\(preset\)/);
  assert.match((await run('preset', 'staging')).out, /^Version 5\.$/m);
  assert.match((await run('preset')).out, /staging \(applied\)/);
  const changes = (await run('history', 'monitoring.maxRoutes')).out.split('\n');
  assert.match(changes[0] ?? '', /^ {2}4 +.*50 -> 60 {2}\(fleet\): Imported$/);
  assert.match(changes.at(-1) ?? '', /^ {2}1 +.*\(not set\) -> 50 {2}\(fleet\): fewer$/);
  assert.match((await run('restore', '0')).out, /^Version 6\.$/m);
  assert.match((await run('get', 'monitoring.maxRoutes')).out, /= 1000 {2}\(default\)$/m);
});

test('what is refused says why with exit code 1, what is written wrongly what was meant', async () => {
  const invalid = await run('set', 'monitoring.maxRoutes=5');
  assert.equal(invalid.code, 1);
  assert.match(invalid.error, /maxRoutes is 5; it must be from 10.*AP_CONFIG_INVALID/);
  const check = await run('validate', 'health.p95Ms=90000');
  assert.equal(check.code, 1);
  assert.match(check.out, /^error: health\.p95Ms is 90000/m);
  // Nobody asks this service for anything, so nothing could be measured.
  const tried = await run('try', 'compression.minBytes=4096');
  assert.deepEqual(
    [tried.code, /no request was heard of .*AP_ORDER_REFUSED/s.test(tried.error)],
    [1, true],
    tried.error,
  );
  const searched = await run('search', 'monitoring.maxRoutes');
  assert.deepEqual(
    [searched.code, /no number that the tuner may move/.test(searched.error)],
    [1, true],
    searched.error,
  );
  await assert.rejects(run('set', 'monitoring.maxRoute=50'), /No setting is called/);
  await assert.rejects(run('sett'), { remedy: '"set" was probably meant.' });
  await assert.rejects(run('restore', 'x'), /is no version/);
  await assert.rejects(run('history', 'monitoring.maxRoute'), { remedy: '"monitoring.maxRoutes" was probably meant.' });
  await assert.rejects(run('get', '--nothing'), /is not a flag/);
  // What would be passed over might be what matters.
  await assert.rejects(run('diff', '1', '--dry-run'), /diff takes no --dry-run/);
  await assert.rejects(run('restore', '1', '2'), /can't do anything with "2"/);
});

test('a control plane that does not answer is exit code 3', async () => {
  const { code, error } = await run('get', '--url', 'http://127.0.0.1:1');
  assert.equal(code, 3);
  assert.match(error, /does not answer/);
});
