import { hkdfSync } from 'node:crypto';
import { type AutopilotPluginOptions, autopilot } from '@teamflow/autopilot/fastify';
import { Pager } from '@teamflow/autopilot/page';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type pg from 'pg';
import type { Accounts } from './accounts/accounts.ts';
import { createDatabase } from './database/database.ts';
import type { Plant, SignUp } from './environment.ts';
import { accountsBridge } from './http/accounts-bridge.ts';
import { AdministrativeLog } from './http/administrative-log.ts';
import { answerClientError } from './http/client-error.ts';
import { health } from './http/health.ts';
import { autopilotUser, requireIdentity, requireMembership } from './http/identity.ts';
import { otherMethods } from './http/methods.ts';
import { describeRoutes, type OpenApiDocument, serveOpenApi } from './http/openapi.ts';
import { pages } from './http/pages.ts';
import { makeAnswerError } from './http/problem.ts';
import { createValidatorCompiler, takesNoMoreThanDeclared } from './http/validation.ts';
import { requestExport } from './jobs/request-export.ts';
import { activityRoutes } from './routes/activity.ts';
import { administrationRoutes } from './routes/administration.ts';
import { boardRoutes } from './routes/board.ts';
import { commentRoutes } from './routes/comments.ts';
import type { AccountContext } from './routes/context.ts';
import { exportRoutes } from './routes/exports.ts';
import { meRoutes, organizationRoutes } from './routes/me.ts';
import { memberRoutes } from './routes/members.ts';
import { notificationRoutes } from './routes/notifications.ts';
import { projectRoutes } from './routes/projects.ts';
import { searchRoutes } from './routes/search.ts';
import { summaryRoutes } from './routes/summary.ts';
import { taskRoutes } from './routes/tasks.ts';
import { teamRoutes } from './routes/teams.ts';

export interface AppOptions {
  readonly pool: pg.Pool;
  readonly accounts: Accounts;
  /** What page cursors are signed with is derived from it; at least 32 characters. */
  readonly secret: string;
  readonly version: string;
  /** The built pages of apps/teamflow/web; absent: only the API. */
  readonly pagesDirectory?: string;
  /** Whether the pages offer to make an account; default: they do not. */
  readonly signUp?: SignUp;
  /** Faults made on purpose, asked for at each request; default: none. */
  readonly plants?: ReadonlySet<Plant>;
  readonly trustedProxies?: readonly string[];
  /** Why requests can not be served yet, besides the database; default: nothing. */
  readonly unreadyReasons?: () => readonly string[];
  readonly logger?: FastifyServerOptions['logger'];
  /** Watches this application; absent: nobody does. Closed with it. */
  readonly agent?: AutopilotPluginOptions['agent'];
  /** Called before anything is registered; tests learn of the routes this way. */
  readonly prepare?: (app: FastifyInstance) => void;
  /** OpenAPI documents of others who answer on this port. */
  readonly documents?: readonly OpenApiDocument[];
}

/** Larger than the longest description that a task may have, several times over. */
const bodyLimit = 512 * 1024;

/** Builds TeamFlow's application; listening, and the pool's end, are the caller's. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { pool, accounts } = options;
  const answerError = makeAnswerError();
  const app: FastifyInstance = Fastify({
    bodyLimit,
    logger: options.logger ?? false,
    forceCloseConnections: 'idle',
    // Addresses that can not be read are answered before any route or handler is chosen.
    frameworkErrors: (error, request, reply) => {
      void answerError(error, request, reply);
    },
    clientErrorHandler: (error, socket) => answerClientError(app.log, error, socket),
    trustProxy: options.trustedProxies === undefined ? false : [...options.trustedProxies],
  });
  app.setErrorHandler(answerError);
  await app.register(otherMethods);
  options.prepare?.(app);
  const { agent } = options;
  if (agent !== undefined) {
    await app.register(autopilot, {
      agent,
      principal: (request) => autopilotUser(accounts, request),
      tenant: ({ membership }) => membership && { id: membership.organizationId, name: membership.organizationName },
      security: { session: ({ headers }) => headers.cookie },
    });
    app.addHook('onClose', () => agent.close());
  }
  await describeRoutes(app, options.version);
  await app.register(health, { pool, unreadyReasons: options.unreadyReasons ?? (() => []) });
  const database = createDatabase(pool);
  const administrativeLog = new AdministrativeLog(database);
  await app.register(accountsBridge, { accounts, administrativeLog });
  if (options.pagesDirectory !== undefined) {
    await app.register(pages, { directory: options.pagesDirectory, signUp: options.signUp ?? 'closed' });
  }

  const key = new Uint8Array(hkdfSync('sha256', options.secret, '', 'teamflow page cursors', 32));
  const plants = options.plants ?? new Set<Plant>();
  const context: AccountContext = {
    database,
    pager: new Pager({ key, ...(agent === undefined ? {} : { limits: agent.paging }) }),
    plants,
  };
  await app.register(
    async (api) => {
      api.decorateRequest('identity', null);
      api.decorateRequest('membership', null);
      api.setValidatorCompiler(createValidatorCompiler());
      api.addHook('onRoute', takesNoMoreThanDeclared);
      api.addHook('onRequest', requireIdentity(accounts));
      api.addHook('onSend', async (_request, reply) => {
        // Answers are one person's; nothing between here and there may keep them.
        void reply.headers({ 'cache-control': 'private, no-cache', 'x-content-type-options': 'nosniff' });
      });
      await api.register(meRoutes(context));
      await api.register(administrationRoutes({ ...context, administrativeLog }), { prefix: '/administration' });
      await api.register(
        async (organization) => {
          organization.addHook('onRequest', requireMembership(database));
          await organization.register(organizationRoutes(context));
          for (const routes of [
            summaryRoutes,
            memberRoutes,
            teamRoutes,
            projectRoutes,
            boardRoutes,
            taskRoutes,
            commentRoutes,
            activityRoutes,
            notificationRoutes,
            searchRoutes,
          ]) {
            await organization.register(routes(context));
          }
          await organization.register(exportRoutes({ ...context, requestExport: requestExport(database) }));
        },
        { prefix: '/organizations/:organizationId' },
      );
    },
    { prefix: '/api/v1' },
  );
  await serveOpenApi(app, options.documents ?? []);
  return app;
}
