import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/** As much of an OpenAPI 3.1 document as merging two of them needs. */
export interface OpenApiDocument {
  readonly tags?: readonly { readonly name: string }[];
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly components?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** One document out of two: `base`, with the tags, paths and components that `added` brings; where both have one, that of `base`. */
function mergeOpenApi(base: OpenApiDocument, added: OpenApiDocument): OpenApiDocument {
  const components: Record<string, Readonly<Record<string, unknown>>> = { ...base.components };
  for (const [kind, members] of Object.entries(added.components ?? {})) {
    components[kind] = { ...members, ...components[kind] };
  }
  return {
    ...base,
    tags: [...(base.tags ?? []), ...(added.tags ?? [])],
    paths: { ...added.paths, ...base.paths },
    components,
  };
}

const description = `TeamFlow's own calls, and those of the autopilot that watches it.

Sign in with \`POST /api/auth/sign-in/email\` (\`{email, password}\`) and keep the cookie, or send an API key as
\`x-api-key\`; \`POST /api/auth/api-key/create\` (\`{name}\`) makes one. Calls by session that change something must come
from a page of this site. Every list is paged: follow \`page.next\`, or the \`Link\` header. Errors are RFC 9457 documents.`;

/** What the autopilot answers on TeamFlow's port; the rest of its document is about the control plane's own. */
const forwardedPath = /^\/(api\/v1\/(performance|optimization|config|jobs|access)(\/|$)|metrics$)/;

/** The part of the autopilot's document that is about calls on TeamFlow's port. */
export function forwardedPart(autopilot: OpenApiDocument): OpenApiDocument {
  const paths = Object.entries(autopilot.paths ?? {}).filter(([path]) => forwardedPath.test(path));
  const said = JSON.stringify(paths);
  const tags = (autopilot.tags ?? []).filter((tag) => said.includes(JSON.stringify([tag.name])));
  return { ...autopilot, tags, paths: Object.fromEntries(paths) };
}

/** Gathers the routes that are registered after it; call before them. `version` is that of the service. */
export async function describeRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'TeamFlow', version, description },
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: 'teamflow.session_token' },
          apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        },
      },
      security: [{ session: [] }, { apiKey: [] }],
    },
  });
}

/** `/api/v1/openapi.json` and, to be read by people, `/api/v1/docs`. `added` are documents of others on this port. */
export async function serveOpenApi(app: FastifyInstance, added: readonly OpenApiDocument[]): Promise<void> {
  let merged: OpenApiDocument | undefined;
  const document = (): OpenApiDocument => {
    // The generator's own type has no index signature; the document is plain JSON.
    merged ??= added.reduce(mergeOpenApi, app.swagger() as unknown as OpenApiDocument);
    return merged;
  };
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async () => document());
  await app.register(swaggerUi, {
    routePrefix: '/api/v1/docs',
    staticCSP: true,
    theme: { title: 'TeamFlow API' },
    // Without the bar on top, whose style sheet the policy would block.
    uiConfig: { docExpansion: 'none', deepLinking: false, layout: 'BaseLayout' },
    transformSpecification: () => ({ ...document() }),
  });
}
