/** Templates: expressions, JSON paths, requests made from them, cookies, data rows. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CookieJar } from './cookie-jar.ts';
import { parseRows } from './data-rows.ts';
import { compileTemplate, ExpressionError, Scope, textOf } from './expression.ts';
import { followJsonPath, parseJsonPath } from './json-path.ts';
import type { DataValue, Step } from './plan.ts';
import { MistakeAt } from './plan-error.ts';
import { Random } from './random.ts';
import { RenderError, type RequestContext, RequestTemplate, renderParts } from './request-template.ts';

const rows: readonly DataValue[] = [{ email: 'a b@x', tags: ['one', 'two'] }];

function context(values: readonly unknown[], cookie = ''): RequestContext {
  return {
    random: new Random(1),
    userIndex: 3,
    iteration: 40,
    runId: 'run-1',
    origin: 'http://h:1',
    slots: values,
    row: () => rows[0] ?? null,
    cookieFor: () => cookie,
  };
}

function scopeOf(...names: string[]): Scope {
  const scope = new Scope(new Map([['people', 0]]));
  for (const name of names) scope.declare(name);
  return scope;
}

function render(text: string, names: string[] = [], values: unknown[] = []): string | undefined {
  return renderParts(compileTemplate(text, scopeOf(...names)), context(values), textOf);
}

describe('expressions', () => {
  test('names, fields and literal text', () => {
    assert.equal(render('${user}-${iteration}-${run} ${origin}'), '3-40-run-1 http://h:1');
    assert.equal(render('${ people.email } ${people.tags[1]}'), 'a b@x two');
    assert.equal(render('$${user} costs $5 {x}'), '${user} costs $5 {x}');
    assert.equal(render('${task.id}', ['task'], [{ id: 7 }]), '7');
    assert.equal(render('${task}', ['task'], [{ id: 7 }]), '{"id":7}');
  });

  test('calls draw from the iteration own numbers', () => {
    assert.match(render('${uuid()}') ?? '', /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    assert.match(render('${int(5, 6)}') ?? '', /^[56]$/);
    assert.match(render('${pick("x", \'y\')}') ?? '', /^[xy]$/);
    assert.match(render('${pick(list)}', ['list'], [[4, 5]]) ?? '', /^[45]$/);
    assert.equal(render('${pick(list)[0].id}', ['list'], [[[{ id: 9 }]]]), '9');
    assert.equal(render('${pick(list)}', ['list'], [[]]), undefined);
    assert.equal(render('${words(3)}')?.split(' ').length, 3);
    assert.match(render('${date(1)}') ?? '', /^\d{4}-\d\d-\d\d$/);
    assert.equal(render('${number("12")}'), '12');
    assert.equal(render('${uuid()}'), render('${uuid()}'));
  });

  test('a missing value makes the whole template missing', () => {
    assert.equal(render('a ${later} b', ['later'], [undefined]), undefined);
    assert.equal(render('a ${later.x} b', ['later'], [{ y: 1 }]), undefined);
    assert.equal(render('${number("no")}'), undefined);
  });

  test('mistakes are named', () => {
    for (const [text, reason] of [
      ['${nobody}', /"nobody" has no value here/],
      ['${user', /no closing "}"/],
      ['${}', /a name, a number/],
      ['${int(1)}', /given 1 arguments/],
      ['${evil()}', /no function evil/],
      ['${constructor}', /has no value/],
      ['${toString()}', /no function toString/],
      ['${user + 1}', /"\+" is not expected/],
      ['${"a}', /a name, a number/],
    ] as const) {
      assert.throws(
        () => render(text),
        (thrown) => thrown instanceof ExpressionError && reason.test(thrown.message),
        text,
      );
    }
  });

  test('no text makes the compiler fail otherwise', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('${}()"\'\\.,[]a1 userint')) }), (text) => {
        try {
          render(text);
        } catch (thrown) {
          assert.ok(thrown instanceof ExpressionError, String(thrown));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('JSON paths lead to one value or to none', () => {
  const value = { items: [{ id: 1 }, { id: 2 }], 'odd key': { x: [[5]] }, empty: [] };
  const follow = (path: string): unknown => followJsonPath(parseJsonPath(path), value, new Random(3));
  assert.equal(follow('items[0].id'), 1);
  assert.equal(follow('$.items[-1].id'), 2);
  assert.ok([1, 2].includes(follow('items[*].id') as number));
  assert.deepEqual(follow('items[].id'), [1, 2]);
  assert.deepEqual(follow('empty[].id'), []);
  assert.equal(follow('["odd key"].x[0][0]'), 5);
  assert.equal(follow('$'), value);
  for (const path of ['items[9].id', 'items.id', 'empty[*]', 'nothing', 'items[0].id.x', 'toString']) {
    assert.equal(follow(path), undefined, path);
  }
  for (const path of ['items[', 'a..b', '.a', 'a[x]', 'a b'])
    assert.throws(() => parseJsonPath(path), SyntaxError, path);
});

describe('requests', () => {
  const frame = { version: 1, secure: false, keepAlive: true, authority: 'h:1', runId: 'r', headers: {} } as const;
  const wire = (step: Omit<Step, 'name'>, values: unknown[] = [], cookie = ''): string | undefined =>
    new RequestTemplate({ name: 's', ...step }, frame, scopeOf('v')).render(context(values, cookie))?.wire;

  test('a plain one is made once', () => {
    const template = new RequestTemplate({ name: 's', path: '/a?b=1' }, frame, scopeOf());
    assert.equal(template.render(context([])), template.render(context([])));
    assert.equal(
      template.render(context([]))?.wire,
      'GET /a?b=1 HTTP/1.1\r\nhost: h:1\r\nx-autopilot-load-test: r\r\n\r\n',
    );
    assert.match(template.render(context([], 'a=1; b=2'))?.wire ?? '', /\r\ncookie: a=1; b=2\r\n/);
  });

  test('values in a path are encoded, raw ones kept, and neither leaves it', () => {
    assert.match(
      wire({ path: '/t/${v}?q=${v}' }, ['a/b c&ä']) ?? '',
      /^GET \/t\/a%2Fb%20c%26%C3%A4\?q=a%2Fb%20c%26%C3%A4 /,
    );
    assert.match(wire({ path: '${raw(v)}' }, ['/next?x=1']) ?? '', /^GET \/next\?x=1 HTTP/);
    for (const path of ['http://evil/', '//evil/', '/a b', '/a\r\nx: y', 'a', '/a#b']) {
      assert.throws(() => wire({ path: '${raw(v)}' }, [path]), RenderError, path);
      assert.throws(
        () => wire({ path }),
        (thrown) => thrown instanceof MistakeAt && thrown.cause instanceof RenderError,
        path,
      );
    }
    assert.equal(wire({ path: '/${v}' }, [undefined]), undefined);
  });

  test('a header value cannot begin another header', () => {
    assert.match(wire({ path: '/', headers: { 'X-A': 'v ${v}' } }, ['ok']) ?? '', /\r\nx-a: v ok\r\n/);
    assert.throws(() => wire({ path: '/', headers: { a: '${v}' } }, ['x\r\ny: z']), RenderError);
  });

  test('bodies keep their types, their encoding and their length', () => {
    const body = (step: Omit<Step, 'name' | 'path'>, values: unknown[]): [head: string, body: string] => {
      const [head = '', ...rest] = (wire({ method: 'POST', path: '/', ...step }, values) ?? '').split('\r\n\r\n');
      return [head, Buffer.from(rest.join('\r\n\r\n'), 'latin1').toString()];
    };
    const [head, text] = body({ body: { json: { a: '${v}', b: 'x ${v} y', c: [1, null, '${user}'], 'd"': 'é' } } }, [
      '"ä"',
    ]);
    assert.deepEqual(JSON.parse(text), { a: '"ä"', b: 'x "ä" y', c: [1, null, 3], 'd"': 'é' });
    assert.match(head, new RegExp(`content-length: ${Buffer.byteLength(text)}(\r\n|$)`));
    assert.match(head, /content-type: application\/json/);
    assert.equal(body({ body: { json: '${raw(v)}' } }, ['x'])[1], '"x"');
    assert.equal(body({ body: { form: { 'a b': '1&${v}', c: '' } } }, ['ü'])[1], 'a%20b=1%26%C3%BC&c=');
    assert.equal(body({ body: { text: 'plain ${v}', contentType: 'text/x' } }, ['t'])[1], 'plain t');
    assert.match(body({}, [])[0], /content-length: 0/);
  });

  test('any JSON value survives being a template', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.parse(JSON.stringify(value).replaceAll('${', '$')) as DataValue;
        const sent =
          wire({ method: 'POST', path: '/', body: { json } })?.split('\r\n\r\n').slice(1).join('\r\n\r\n') ?? '';
        assert.deepEqual(JSON.parse(Buffer.from(sent, 'latin1').toString()), json);
      }),
    );
  });

  test('a redirect turns POST into GET where it must', () => {
    const template = new RequestTemplate(
      { name: 's', method: 'POST', path: '/', body: { text: 'x' } },
      frame,
      scopeOf(),
    );
    const to = (status: number): string => template.redirected(status, '/b', context([]))?.wire ?? '';
    assert.match(to(303), /^GET \/b [^]*\r\n\r\n$/);
    assert.match(to(302), /^GET /);
    assert.match(to(307), /^POST \/b [^]*\r\n\r\nx$/);
  });
});

test('cookies are kept by name and path, and end', () => {
  const jar = new CookieJar();
  assert.equal(jar.headerFor('/'), '');
  jar.set('a=1; Path=/; HttpOnly');
  jar.set('b=2; path=/admin');
  jar.set('c=3; Max-Age=100; Expires=Thu, 01 Jan 1970 00:00:00 GMT');
  assert.equal(jar.headerFor('/'), 'a=1; c=3');
  assert.equal(jar.headerFor('/admin/x?y'), 'a=1; b=2; c=3');
  assert.equal(jar.headerFor('/administrator'), 'a=1; c=3');
  jar.set('a=; Max-Age=0');
  jar.set('c=4; Expires=Thu, 01 Jan 1970 00:00:00 GMT');
  assert.equal(jar.headerFor('/'), '');
  assert.equal(jar.get('b'), '2');
  jar.set('evil=x\r\ny: z');
  jar.set('=nothing');
  assert.equal(jar.headerFor('/'), '');
});

test('data files give rows', () => {
  const csv = '\uFEFFname,text\r\nAnn,"a, ""quoted""\nline"\nBob,\n\n';
  assert.deepEqual(parseRows('x.csv', csv), [
    { name: 'Ann', text: 'a, "quoted"\nline' },
    { name: 'Bob', text: '' },
  ]);
  assert.deepEqual(parseRows('x.jsonl', '{"a":1}\n\n2\n'), [{ a: 1 }, 2]);
  assert.deepEqual(parseRows('x.json', '[1,"b"]'), [1, 'b']);
  assert.throws(() => parseRows('x.csv', 'a,b\n1\n'), /record 2 has 1 fields/);
  assert.throws(() => parseRows('x.csv', 'a\n"b'), /does not end/);
  assert.throws(() => parseRows('x.jsonl', '1\n{'), /line 2/);
  assert.throws(() => parseRows('x.json', '{}'), /no array/);
});
