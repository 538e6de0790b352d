import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { checkPlan } from './check-plan.ts';
import type { LoadPlan } from './plan.ts';
import { LoadPlanError, type PlanMistake } from './plan-error.ts';
import { parsePlan, readPlan } from './read-plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'load-plan-'));
after(() => rmSync(folder, { recursive: true }));

const good = `name: browse
target: http://127.0.0.1:3000
load:
  kind: arrivals
  users: 10
  stages:
    - durationMs: 1000
      ratePerSecond: 20
data:
  people:
    rows: [{ email: a@x }]
prepare:
  - name: sign in
    method: POST
    path: /sign-in
    body: { json: { email: "\${people.email}" } }
    take: { token: { header: x-token } }
flows:
  - name: read
    steps:
      - name: list
        path: /tasks?limit=\${int(1, 9)}
        take: { id: { json: "items[*].id" } }
      - name: open
        path: /tasks/\${id}
        headers: { authorization: "Bearer \${token}" }
        thinkMs: { minMs: 10, maxMs: 20 }
abort: { errorRatio: 0.1, p99Ms: 500 }
`;

function mistakesIn(text: string, options: Parameters<typeof parsePlan>[1] = {}): readonly PlanMistake[] {
  try {
    parsePlan(text, options);
  } catch (thrown) {
    assert.ok(thrown instanceof LoadPlanError, String(thrown));
    for (const { message, remedy } of thrown.mistakes) assert.ok(message !== '' && remedy !== '');
    return thrown.mistakes;
  }
  return [];
}

/** The one mistake that a change of the good plan makes. */
function mistakeOf(from: string, to: string, options?: Parameters<typeof parsePlan>[1]): PlanMistake {
  assert.ok(good.includes(from), from);
  const mistakes = mistakesIn(good.replace(from, to), options);
  assert.equal(mistakes.length, 1, JSON.stringify(mistakes));
  const [mistake] = mistakes;
  assert.ok(mistake !== undefined);
  return mistake;
}

describe('a plan', () => {
  test('is read from YAML and JSON alike', () => {
    const plan = parsePlan(good);
    assert.equal(plan.flows[0]?.steps.length, 2);
    assert.deepEqual(parsePlan(JSON.stringify(plan, null, 2)), plan);
    assert.equal(parsePlan(good, { replace: { target: 'http://127.0.0.1:4000' } }).target, 'http://127.0.0.1:4000');
  });

  test('with mistakes is refused, each with its line and a remedy', () => {
    const cases: readonly (readonly [from: string, to: string, line: number, place: string, says: RegExp])[] = [
      ['ratePerSecond: 20', 'ratePerSec: 20', 7, 'load.stages[0]', /"ratePerSecond" is missing/],
      ['users: 10', 'users: 10\n  usres: 3', 6, 'load.usres', /not known.*Did you mean "users"/],
      ['kind: arrivals', 'kind: arivals', 4, 'load.kind', /"arivals" is not allowed.*Did you mean "arrivals"/],
      ['ratePerSecond: 20', 'ratePerSecond: -1', 8, 'load.stages[0].ratePerSecond', /-1 is under 0/],
      ['ratePerSecond: 20', 'ratePerSecond: 1e9', 4, 'load', /rate of 1000000000 .* over the ceiling of 50000/],
      ['ratePerSecond: 20', 'ratePerSecond: 0.1', 4, 'load', /asks for 0.1 iterations/],
      ['ratePerSecond: 20', 'ratePerSecond: .nan', 8, 'load.stages[0].ratePerSecond', /a number/],
      ['users: 10', 'users: 20000', 4, 'load', /20000 users is over the ceiling of 10000/],
      ['users: 10', 'users: 1.5', 5, 'load.users', /a whole number/],
      ['durationMs: 1000', 'durationMs: 1e8', 4, 'load', /duration of 100000000 ms/],
      ['name: browse', 'name: browse\nwarmupMs: 1000', 2, 'warmupMs', /leaves nothing/],
      ['http://127.0.0.1:3000', 'http://127.0.0.1:3000/app', 2, 'target', /more than an origin/],
      ['http://127.0.0.1:3000', 'http://127.0.0.1@evil.example', 2, 'target', /user information/],
      ['people.email', 'peopel.email', 16, 'prepare[0].body', /"peopel" has no value here.*Known here: people/],
      ['${int(1, 9)}', '${int(1)}', 22, 'flows[0].steps[0].path', /1 arguments/],
      ['${int(1, 9)}', '${int(1, 9)', 22, 'flows[0].steps[0].path', /is not expected here|no closing/],
      ['items[*].id', 'items[.id', 23, 'flows[0].steps[0].take.id', /can't be read from/],
      ['/tasks/${id}', '/tasks/${nothing}', 25, 'flows[0].steps[1].path', /"nothing" has no value/],
      ['path: /sign-in', 'path: sign-in', 15, 'prepare[0].path', /does not begin with one "\/"/],
      ['path: /sign-in', 'path: //evil.example/', 15, 'prepare[0].path', /does not begin with one "\/"/],
      ['method: POST', 'method: FETCH', 14, 'prepare[0].method', /"FETCH" is not allowed/],
      ['    method: POST\n', '', 15, 'prepare[0].body', /A GET has no body/],
      ['authorization:', 'host:', 26, 'flows[0].steps[1].headers.host', /set by the generator/],
      ['authorization:', '"a b":', 26, 'flows[0].steps[1].headers.a b', /no header name/],
      [
        '{ json: "items[*].id" }',
        '{ json: a, cookie: b }',
        23,
        'flows[0].steps[0].take.id',
        /2 of json, header and cookie/,
      ],
      ['id: { json', 'user: { json', 23, 'flows[0].steps[0].take.user', /means something already/],
      ['minMs: 10', 'minMs: 30', 27, 'flows[0].steps[1].thinkMs', /minMs 30 is over maxMs 20/],
      ['{ email: a@x }', '', 11, 'data.people.rows', /0 entries/],
      ['errorRatio: 0.1', 'errorRatio: 10', 28, 'abort.errorRatio', /10 is over 1/],
      ['rows: [{ email: a@x }]', 'file: missing.csv', 11, 'data.people.file', /can name none/],
    ];
    for (const [from, to, line, place, says] of cases) {
      // A mistake in the name of a value makes those mistakes that use it; the first one tells.
      const mistakes = mistakesIn(good.replace(from, to));
      const found = mistakes.find((mistake) => says.test(`${mistake.message} ${mistake.remedy}`));
      assert.ok(found !== undefined, `${to}: ${JSON.stringify(mistakes)}`);
      assert.equal(found.place, place, to);
      assert.ok(Math.abs((found.line ?? 0) - line) <= 1, `${to}: line ${found.line}, not ${line}`);
    }
  });

  test('says exactly where', () => {
    assert.equal(mistakeOf('users: 10', 'users: "10"').line, 5);
    assert.equal(mistakeOf('take: { token', 'tkae: { token').line, 17);
    const error = (() => {
      try {
        parsePlan(good.replace('users: 10', 'users: 0'), { source: 'x.yaml' });
        return undefined;
      } catch (thrown) {
        return thrown;
      }
    })();
    assert.match(String(error), /x\.yaml:5: load\.users: 0 is under 1\. Write at least 1\./);
  });

  test('that is no YAML says its line', () => {
    const [mistake] = mistakesIn('name: a\nname: b\n');
    assert.equal(mistake?.line, 2);
    assert.match(mistake.message, /no YAML/);
  });

  test('with limits on vitals needs a probe', () => {
    const text = good.replace('errorRatio: 0.1', 'rssBytes: 1e9');
    assert.deepEqual(mistakesIn(text), []);
    assert.match(mistakesIn(text, { hasProbe: false })[0]?.message ?? '', /nothing here reads them/);
  });

  test('asks for no more than its ceilings', () => {
    assert.match(mistakesIn(good, { ceilings: { maxUsers: 9 } })[0]?.message ?? '', /ceiling of 9/);
    assert.match(mistakesIn(good, { ceilings: { maxRatePerSecond: 19 } })[0]?.message ?? '', /ceiling of 19/);
    assert.match(mistakesIn(good, { ceilings: { maxDurationMs: 999 } })[0]?.message ?? '', /ceiling of 999/);
  });

  test('made of anything is refused, never a crash', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        assert.throws(() => checkPlan(value), LoadPlanError);
      }),
    );
    const plan = parsePlan(good);
    const paths = (value: unknown, path: (string | number)[] = []): (string | number)[][] =>
      typeof value === 'object' && value !== null
        ? [path, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...path, key]))]
        : [path];
    fc.assert(
      fc.property(
        fc.constantFrom(...paths(plan).filter(({ length }) => length > 0)),
        fc.jsonValue({ maxDepth: 2 }),
        (path, value) => {
          const changed = structuredClone(plan) as unknown as Record<string | number, unknown>;
          let at: Record<string | number, unknown> = changed;
          for (const part of path.slice(0, -1)) at = at[part] as Record<string | number, unknown>;
          at[path.at(-1) ?? ''] = value;
          try {
            checkPlan(changed);
          } catch (thrown) {
            assert.ok(thrown instanceof LoadPlanError, String(thrown));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('files', () => {
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  test('of data lie beside the plan', () => {
    write('people.csv', 'email\nann@x\nbob@x\n');
    const plan = (file: string): string => write('plan.yaml', good.replace('rows: [{ email: a@x }]', `file: ${file}`));
    assert.deepEqual(readPlan(plan('people.csv')).data?.['people']?.rows, [{ email: 'ann@x' }, { email: 'bob@x' }]);
    for (const [file, says] of [
      ['missing.csv', /no such file/],
      ['../outside.csv', /outside the plan's directory/],
      ['/etc/passwd', /outside the plan's directory/],
      ['plan.yaml', /can't be used/],
    ] as const) {
      const path = plan(file);
      assert.throws(
        () => readPlan(path),
        (thrown) => thrown instanceof LoadPlanError && says.test(thrown.message) && thrown.mistakes[0]?.line === 11,
        file,
      );
    }
  });

  test('of TypeScript export a plan', () => {
    const made: LoadPlan = { ...parsePlan(good), name: 'typed' };
    const path = write(
      'plan.ts',
      `interface P { name: string }\nconst plan: P = ${JSON.stringify(made)};\nexport default plan;\n`,
    );
    assert.equal(readPlan(path).name, 'typed');
    assert.throws(
      () => readPlan(write('bad.ts', '// A plan.\n\nexport default { name: 1 };')),
      (thrown) => thrown instanceof LoadPlanError && /bad\.ts:3: name: /.test(thrown.message),
    );
    assert.throws(() => readPlan(write('broken.ts', 'export default {')), /can't be loaded/);
    assert.throws(() => readPlan(join(folder, 'nowhere.yaml')), /can't be read/);
  });
});

test("the guide's plan can be run", () => {
  const guide = readFileSync(new URL('../../../../docs/guides/load-tests.md', import.meta.url), 'utf8');
  const [, text = ''] = /```yaml\n([^]*?)```/.exec(guide) ?? [];
  assert.equal(parsePlan(text).flows.length, 2);
});
