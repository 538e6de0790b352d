import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { longestList, MAX_STATEMENT_LENGTH, normalizeStatement } from './statement-text.ts';

const cases: readonly (readonly [raw: string, normalized: string])[] = [
  ['select * from t where a = 1', 'select * from t where a = ?'],
  ["  SELECT\n\t'it''s' ,  x ;\n", 'SELECT ? , x'],
  ["select E'a\\'b', e'\\\\', B'01', x'1F', n'é', U&'\\0441'", 'select ?, ?, ?, ?, ?, ?'],
  ['select U&"d\\0061t" from "my ""table"""', 'select U&"d\\0061t" from "my ""table"""'],
  ["select $$a ' $x$ b$$, $tag$ $$ $tag$, $1, $22", 'select ?, ?, $1, $22'],
  ['select 1e5, 1.5E-3, .5, 0x1F, 0b01, 1_000, 12abc', 'select ?, ?, ?, ?, ?, ?, ?'],
  ['select a1, t2.c3, foo$1 from x9', 'select a1, t2.c3, foo$1 from x9'],
  ['select a-5, a = -5, (b)-5, - 5', 'select a-?, a = ?, (b)-?, ?'],
  ["select 'a'\n  -- then\n  'b', 'c' 'd'", 'select ?, ? ?'],
  ["select E'a'\n'b\\'c', x", 'select ?, x'],
  ['a /* one /* two */ still */ b -- to the end\nc', 'a b c'],
  ["select date'2020-01-01', '1'::int, 1::text", 'select date?, ?::int, ?::text'],
  ["where a->>'key' = 'v' and b @> '{}'", 'where a->>? = ? and b @> ?'],
  ['where a in (1, -2, 3) and b in ($1)', 'where a in (?) and b in (?)'],
  ['where a IN ($1, $2, $3) and b = $4', 'where a IN (?) and b = $1'],
  ["where a in ('x'::my.kind[], null, default) or b in (select 1)", 'where a in (?) or b in (select ?)'],
  ['where a = any(array[1,2,3])', 'where a = any(array[?])'],
  ['insert into t values ($1, $2), ($3, $4) returning id', 'insert into t values ($1, $2) returning id'],
  ['insert into t values (1, now()), (2, now())', 'insert into t values (?, now()), (?, now())'],
  ['set local search_path = acme, public; select 1', 'set local search_path = ?; select ?'],
  ['set session role tenant_7', 'set session role ?'],
  ['set transaction read only', 'set transaction read only'],
  [
    'SAVEPOINT s17; RELEASE SAVEPOINT s17; rollback to s17; rollback',
    'SAVEPOINT ?; RELEASE SAVEPOINT ?; rollback to ?; rollback',
  ],
  ["select 'C:\\' , 'secret'", 'select ?'],
  ["select 'never ends", 'select ?'],
  ['select "never ends', 'select ?'],
  ['select $a$ never ends $b$', 'select ?'],
  ['select a /* never ends', 'select a'],
  ['', ''],
  [' -- nothing\n', ''],
];

for (const [raw, normalized] of cases) {
  test(`normalizes ${JSON.stringify(raw)}`, () => assert.equal(normalizeStatement(raw), normalized));
}

/** What must never be seen again: no text around it holds these letters. */
const SECRET = 'Zq9Secret';

const noise = fc
  .array(
    fc.constantFrom(
      ' ',
      '\n',
      'a',
      "''",
      '""',
      '\\',
      ';',
      '/*',
      '*/',
      '--',
      '$',
      '$1',
      '%',
      'é',
      '💣',
      '(',
      '[',
      ',',
      '=',
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

/** For plain strings: quotes doubled. A backslash before a quote is a case of its own, below. */
const plain = noise.map((text) => text.replaceAll("'", "''"));
const escaped = noise.map((text) => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'"));
const dollared = noise.map((text) => text.replaceAll('$', ''));

const secretString = fc.oneof(
  plain.chain((a) => plain.map((b) => `'${a}${SECRET}${b}'`)),
  plain.map((a) => `'${a}'\n'${SECRET}${a}'`),
  escaped.chain((a) => escaped.map((b) => `E'${a}${SECRET}${b}'`)),
  escaped.map((a) => `e'\\'${a}''${SECRET}\\''`),
  escaped.map((a) => `E'${a}'  \n -- x\n '${SECRET}\\'${a}'`),
  plain.map((a) => `U&'${a}\\0041${SECRET}'`),
  plain.map((a) => `N'${SECRET}${a}'`),
  plain.map((a) => `date'${SECRET}${a}'`),
  dollared.map((a) => `$$${a}${SECRET} ' " -- /* ${a}$$`),
  dollared.map((a) => `$q$${a}$$${SECRET}$r$${a}$q$`),
  dollared.map((a) => `$über_1$ $q$ ${SECRET}${a}$über_1$`),
);
const secretNumber = fc.constantFrom(
  '777123',
  '7.77123',
  '.777123',
  '777123e5',
  '1e777123',
  '0x777123',
  '777_123',
  '-777123',
  '777123abc',
);
const secretComment = noise
  .map((a) => a.replaceAll('*/', '').replaceAll('/*', ''))
  .chain((a) => fc.constantFrom(`/* ${a}${SECRET} */`, `/* /* ${a} */ ${SECRET} */`, `-- ${SECRET} ' " $$\n`));
const harmless = fc.constantFrom(
  'select',
  'a.b',
  `"a ''b"`,
  ',',
  '(',
  ')',
  'in (',
  '::text',
  '=',
  '$1',
  '||',
  'from t1',
  'U&"x"',
);
const piece = fc.oneof(
  secretString.map((text) => ({ text, secret: SECRET })),
  secretNumber.map((text) => ({ text, secret: '777' })),
  secretComment.map((text) => ({ text, secret: SECRET })),
  harmless.map((text) => ({ text, secret: SECRET })),
);

function assertClean(text: string): void {
  const normalized = normalizeStatement(text);
  assert.ok(!normalized.includes(SECRET) && !/777|7_?123/.test(normalized), `${JSON.stringify(text)} -> ${normalized}`);
}

test('no literal survives, in whatever quotes, however the text goes on or breaks off', () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.nat(), (pieces, cut) => {
      const text = pieces.map((one) => one.text).join(' ');
      assertClean(text);
      assertClean(text.slice(0, cut % (text.length + 1)));
    }),
    { numRuns: 5_000 },
  );
});

test('with standard_conforming_strings off the same texts give nothing away', () => {
  fc.assert(
    fc.property(plain, plain, (a, b) => {
      assertClean(`select 'it\\'s ${a}${SECRET}' , '${b}' from t`);
      assertClean(`select 'C:\\' , '${SECRET}' , '${a}'`);
      assertClean(`select '${b}\\', '${SECRET}'`);
    }),
    { numRuns: 1_000 },
  );
});

test('any text at all is read, and no longer afterwards', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'binary' }), noise, (text, quotes) => {
      assert.ok(normalizeStatement(quotes + text).length <= quotes.length + text.length);
    }),
    { numRuns: 3_000 },
  );
});

test('a long text is cut before it is read, and what was cut in the middle is gone', () => {
  const text = `select '${'x'.repeat(MAX_STATEMENT_LENGTH)}${SECRET}', 1`;
  assert.equal(normalizeStatement(text), 'select ?');
});

test('the length of a list leaves no trace', () => {
  const texts = [1, 2, 50].map((length) => {
    const list = Array.from({ length }, (_, i) => `$${i + 2}`).join(', ');
    return normalizeStatement(`update t set a = $1 where b in (${list}) and c = $${length + 2}`);
  });
  assert.equal(new Set(texts).size, 1);
});

test('the values of the longest list are counted where they are many, also of one that is cut', () => {
  const listOf = (length: number): string => Array.from({ length }, (_, at) => `$${at + 1}`).join(', ');
  assert.equal(longestList('select 1 from t where a in (1, 2, 3)'), 0, 'too short to matter');
  assert.equal(longestList(`select 1 from t where a in (1, 2) and b in (${listOf(600)}) and c = 1`), 600);
  assert.equal(longestList(`select '${'in (1, 2, 3) '.repeat(100)}'`), 0);
  const cut = longestList(`select 1 from t where a in (${listOf(9_000)})`);
  assert.ok(cut > 2_000 && cut < 9_000, String(cut));
});
