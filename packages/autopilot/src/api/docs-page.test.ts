import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { type OpenApiDocument, openApiDocument } from '../contract/openapi.ts';
import type { JsonSchema } from '../contract/shape.ts';
import { docsPage } from './docs-page.ts';

test('the page shows what the document says, and nothing in it runs', () => {
  const hostile = '"><script>alert(1)</script>';
  const document = openApiDocument({
    title: hostile,
    version: '1.2.3',
    sessionCookie: 'session',
    also: {
      tags: [{ name: 'Tasks' }],
      paths: { '/api/v1/tasks': { get: { summary: hostile, parameters: [], responses: {} } } },
      schemas: { Task: { type: 'object', properties: { [hostile]: { type: 'string', description: hostile } } } },
    },
  });
  const html = docsPage(document);
  assert.doesNotMatch(html, /<script/);
  assert.match(html, /<code>\/api\/v1\/tasks<\/code>/);
  assert.match(html, /id="schema-Dashboard"/);
});

test('the document names only what it defines, and its schemas are JSON Schema', () => {
  const document: OpenApiDocument = openApiDocument();
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(Object.hasOwn(document.components.schemas, name ?? ''), name);
  }
  const definitions = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  ) as Record<string, JsonSchema>;
  const frame = z.fromJSONSchema({ ...definitions['Frame'], $defs: definitions });
  assert.ok(frame.safeParse({ at: [1], stepMs: 1, columns: { a: [null, 1.5] }, complete: true }).success);
  assert.ok(!frame.safeParse({ at: [1], stepMs: 1, columns: { a: ['x'] }, complete: true }).success);
  const parameters = Object.values(document.paths).flatMap((path) =>
    Object.values(path).flatMap((operation) => (operation as { parameters: { name: string }[] }).parameters),
  );
  assert.ok(parameters.length > 20 && parameters.every(({ name }) => /^[a-z][a-zA-Z]*$/.test(name)));
});
