import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AutopilotError } from '../../kernel/errors.ts';
import { readImport } from './document.ts';
import { parseUntrusted } from './parse-document.ts';

const head = 'format: teamflow-autopilot/config\nformatVersion: 1\n';

function refusalOf(act: () => unknown): string {
  const startedAtMs = performance.now();
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof AutopilotError, String(error));
    assert.ok(['AP_CONFIG_IMPORT_INVALID', 'AP_BODY_INVALID'].includes(error.code), error.code);
    assert.ok(performance.now() - startedAtMs < 5_000, 'refusing took long');
    return error.message;
  }
  throw new Error('It was not refused.');
}

const hostile: Readonly<Record<string, readonly [format: 'json' | 'yaml', text: string, message: RegExp]>> = {
  'brackets, a hundred thousand deep': ['json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /deeper than 32/],
  'the same as YAML': ['yaml', '['.repeat(100_000), /deeper than 32/],
  'mappings within mappings': [
    'yaml',
    Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    /deeper than 32/,
  ],
  'lists within lists on a line': ['yaml', `${'- '.repeat(5_000)}x`, /deeper than 32/],
  'a billion laughs': [
    'yaml',
    `${head}a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nsettings: *b\n`,
    /anchors, aliases or tags/,
  ],
  'a tag': ['yaml', `${head}settings: !!js/function 'f'\n`, /anchors, aliases or tags/],
  'a key of the prototype, YAML': ['yaml', `${head}settings:\n  __proto__:\n    admin: 1\n`, /can't be the name/],
  'a key of the prototype, JSON': [
    'json',
    '{"format":"teamflow-autopilot/config","formatVersion":1,"settings":{"__proto__":{"admin":1}}}',
    /can't be the name/,
  ],
  'a constructor': [
    'json',
    '{"format":"teamflow-autopilot/config","formatVersion":1,"settings":{"constructor":{"prototype":1}}}',
    /can't be the name/,
  ],
  'an instance called __proto__': [
    'json',
    '{"format":"teamflow-autopilot/config","formatVersion":1,"instances":{"__proto__":{"api":{"maxStreams":1}}}}',
    /can't be the name of an instance/,
  ],
  'a hundred megabytes': ['json', 'x'.repeat(100_000_000), /at most 1048576 are read/],
  'a key twice': ['yaml', `${head}settings:\n  api:\n    maxStreams: 1\n    maxStreams: 2\n`, /unique/],
  'something else than settings': ['yaml', `${head}settings: [1, 2]\n`, /must be an object/],
  'a value within a value': ['yaml', `${head}settings:\n  api:\n    maxStreams: {a: 1}\n`, /no setting can be/],
  'another format': ['yaml', 'format: something\n', /format must be/],
  'a later format': ['yaml', 'format: teamflow-autopilot/config\nformatVersion: 2\n', /formatVersion is 2/],
  'an unknown part': ['yaml', `${head}secrets: 1\n`, /parts that are not known: "secrets"/],
  'a text': ['yaml', 'hello', /no object/],
  nothing: ['json', '', /can't be read as JSON/],
};

for (const [name, [format, text, message]] of Object.entries(hostile)) {
  test(`an import is refused, and nothing else happens: ${name}`, () => {
    assert.match(
      refusalOf(() => readImport(text, format)),
      message,
    );
    assert.equal(Object.getOwnPropertyDescriptor(Object.prototype, 'admin'), undefined);
  });
}

test('texts may hold what would be structure outside of them', () => {
  const text = `${head}# a comment with & and * and [[[[\nsettings:\n  api:\n    maxStreams: 5 # !yes\n  own:\n    text: "a & b [*c] !d"\n`;
  assert.deepEqual(readImport(text, 'yaml').settings, { 'api.maxStreams': 5, 'own.text': 'a & b [*c] !d' });
  assert.deepEqual(parseUntrusted('{"a": "[[[{{{"}', 'json'), { a: '[[[{{{' });
});
