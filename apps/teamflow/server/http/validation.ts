import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifySchema, FastifySchemaCompiler, RouteOptions } from 'fastify';

/**
 * Validators that refuse what they do not know instead of removing it, as Fastify's own do. A query is text, so its
 * values are converted; a body has types of its own, and `"5"` is not 5.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<FastifySchema> {
  const shared = { removeAdditional: false, useDefaults: true, allErrors: true, strict: false } as const;
  const forText = new Ajv({ ...shared, coerceTypes: 'array' });
  const forJson = new Ajv({ ...shared, coerceTypes: false });
  for (const ajv of [forText, forJson]) addFormats.default(ajv, ['date', 'date-time', 'uuid']);
  return ({ schema, httpPart }) => (httpPart === 'body' ? forJson : forText).compile(schema);
}

/** An `onRoute` hook: a route that declares no query takes none, and refuses what is sent by its name, as all others do. */
export function takesNoMoreThanDeclared(route: RouteOptions): void {
  if (route.schema === undefined || route.schema.querystring !== undefined) return;
  route.schema = { ...route.schema, querystring: { type: 'object', properties: {}, additionalProperties: false } };
}
