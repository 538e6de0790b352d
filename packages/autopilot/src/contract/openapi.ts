import { type ErrorCode, errorTable } from './error-table.ts';
import { type Operation, type OperationBody, operations } from './operations.ts';
import { problem } from './operations-shapes.ts';
import type { Scope } from './principal.ts';
import { allowsNothing, type JsonSchema, type ObjectShape, type Shape, toJsonSchema } from './shape.ts';

/** An OpenAPI 3.1 document, as far as this library makes one. */
export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, JsonSchema>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, JsonSchema>>;
  };
}

/** What a document says beside the calls. */
export interface OpenApiOptions {
  readonly title?: string;
  readonly version?: string;
  readonly description?: string;
  /** The name of the application's session cookie, where calls come through the application; absent: tokens only. */
  readonly sessionCookie?: string;
  /** The application's own part; what it names the same wins. */
  readonly also?: {
    readonly tags?: OpenApiDocument['tags'];
    readonly paths?: OpenApiDocument['paths'];
    readonly schemas?: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes?: Readonly<Record<string, JsonSchema>>;
  };
}

/** Codes that any call may answer with; those of tokens only where one is needed. */
const EVERYWHERE: readonly ErrorCode[] = [
  'AP_PARAMETER_UNKNOWN',
  'AP_PARAMETER_INVALID',
  'AP_NOT_ACCEPTABLE',
  'AP_INTERNAL',
];
const SIGNED_IN: readonly ErrorCode[] = ['AP_UNAUTHENTICATED', 'AP_FORBIDDEN'];

const DESCRIPTION =
  'Durations in ms, sizes in bytes, ratios from 0 to 1, times RFC 3339 in UTC. Unknown parameters are refused. Errors are problem+json (RFC 9457) with a stable code.';

/** The HTTP API as OpenAPI 3.1, made from the table that also routes and validates. Pure. */
export function openApiDocument(options: OpenApiOptions = {}): OpenApiDocument {
  const schemas: Record<string, JsonSchema> = {};
  const define = (name: string, schema: JsonSchema): void => {
    schemas[name] = schema;
  };
  const paths: Record<string, JsonSchema> = {};
  for (const [operationId, entry] of Object.entries(operations)) {
    // Each is an operation with shapes: which one, the compiler can't follow through the union of all.
    const operation = entry as SomeOperation;
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: operationObject(operationId, operation, define, options),
    };
  }
  const { also } = options;
  return {
    openapi: '3.1.1',
    info: {
      title: options.title ?? 'TeamFlow Autopilot',
      version: options.version ?? '0.0.0',
      description: options.description ?? DESCRIPTION,
    },
    tags: [
      { name: 'Performance', description: 'What the service does, live: the last hour' },
      { name: 'Optimization', description: 'Load tests, and long work' },
      { name: 'Configuration', description: 'Settings: layers, versions, presets, instances' },
      { name: 'Access', description: 'Tokens, and who changed what' },
      { name: 'Service', description: 'The control plane itself' },
      ...(also?.tags ?? []),
    ],
    paths: { ...paths, ...also?.paths },
    components: {
      schemas: { ...schemas, ...also?.schemas },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of the autopilot' },
        ...(options.sessionCookie === undefined
          ? {}
          : { session: { type: 'apiKey', in: 'cookie', name: options.sessionCookie } }),
        ...also?.securitySchemes,
      },
    },
  };
}

type Define = (name: string, schema: JsonSchema) => void;
/** Some operation of the table, whichever. */
type SomeOperation = Omit<Operation<unknown, unknown>, 'query' | 'answer'> & {
  readonly query: Shape;
  readonly answer: Shape | null;
};

function operationObject(
  operationId: string,
  { tag, summary, description, scope, params, query, body, answer, mediaTypes, problems }: SomeOperation,
  define: Define,
  options: OpenApiOptions,
): JsonSchema {
  const content = Object.fromEntries(
    mediaTypes.map((mediaType) => [mediaType, mediaObject(mediaType, answer, define)]),
  );
  const unready = operationId === 'getReadiness' ? { 503: { description: 'Not ready, and why', content } } : {};
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...securityOf(scope, options),
    parameters: [
      ...(params === undefined ? [] : parametersOf(params, 'path', define)),
      ...(query.kind === 'object' ? parametersOf(query, 'query', define) : []),
    ],
    ...(body === undefined ? {} : { requestBody: bodyObject(body, define) }),
    responses: {
      200: { description: 'OK', content },
      ...unready,
      ...problemResponses([...EVERYWHERE, ...(scope === null ? [] : SIGNED_IN), ...problems], define),
    },
  };
}

function mediaObject(mediaType: string, answer: Shape | null, define: Define): JsonSchema {
  if (answer === null) return { schema: mediaType === 'application/json' ? { type: 'object' } : { type: 'string' } };
  const schema = toJsonSchema(answer, define);
  if (mediaType !== 'text/event-stream') return { schema };
  return { schema: { type: 'string', description: 'Events whose data is this document', 'x-event-data': schema } };
}

function securityOf(scope: Scope | null, { sessionCookie }: OpenApiOptions): JsonSchema {
  if (scope === null) return { security: [] };
  return {
    security: [{ token: [] }, ...(sessionCookie === undefined ? [] : [{ session: [] }])],
    'x-scope': scope,
  };
}

function bodyObject({ description, mediaTypes, shape }: OperationBody, define: Define): JsonSchema {
  const schema = shape === null ? { type: 'object' } : toJsonSchema(shape, define);
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema }]));
  return { description, required: !allowsNothing(shape), content };
}

function parametersOf({ fields }: ObjectShape, place: 'path' | 'query', define: Define): readonly JsonSchema[] {
  return Object.entries(fields).map(([name, field]): JsonSchema => {
    const shape = field.kind === 'optional' ? field.of : field;
    const { description, ...schema } = toJsonSchema(shape, define);
    return {
      name,
      in: place,
      ...(field.kind === 'optional' ? {} : { required: true }),
      ...(description === undefined ? {} : { description }),
      // A list is one parameter with commas.
      ...(shape.kind === 'array' ? { style: 'form', explode: false } : {}),
      schema,
    };
  });
}

/** One response a status, with the codes it can carry. */
function problemResponses(codes: readonly ErrorCode[], define: Define): JsonSchema {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const schema = toJsonSchema(problem, define);
  return Object.fromEntries(
    Array.from(byStatus, ([status, ofStatus]) => [
      status,
      {
        description: ofStatus.map((code) => `${code}: ${errorTable[code].title}`).join('. '),
        content: { 'application/problem+json': { schema } },
      },
    ]),
  );
}
