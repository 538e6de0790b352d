import type { FastifyPluginAsync } from 'fastify';
import type pg from 'pg';

/** How long the database may take to answer before the service counts as not ready. */
const patienceMs = 1_000;

export interface HealthOptions {
  readonly pool: pg.Pool;
  /** What still stands in the way besides the database; none: nothing. */
  readonly unreadyReasons: () => readonly string[];
}

/** `/livez`: the process answers. `/readyz`: it can serve requests, or why not. Neither needs a sign-in. */
export const health: FastifyPluginAsync<HealthOptions> = async (app, { pool, unreadyReasons }) => {
  // What a load balancer asks every second would drown what people ask.
  // Nor is it turned away when there is too much to do: it asks whether there is.
  const config = { autopilot: { track: false, essential: true } };
  let asking: Promise<string | undefined> | undefined;

  /** One question at a time, however many ask: a database that hangs must not use up the pool as well. */
  function askDatabase(): Promise<string | undefined> {
    asking ??= pool
      .query('select 1')
      .then(
        () => undefined,
        (error: Error) => `The database does not answer: ${error.message}.`,
      )
      .finally(() => {
        asking = undefined;
      });
    return asking;
  }

  function databaseReason(): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(() => resolve(`The database has not answered within ${patienceMs} ms.`), patienceMs);
    void askDatabase().then((reason) => {
      clearTimeout(timer);
      resolve(reason);
    });
    return promise;
  }

  app.get('/livez', { schema: { hide: true }, config }, async (_request, reply) => {
    void reply.header('cache-control', 'no-store');
    return { status: 'alive' };
  });

  app.get('/readyz', { schema: { hide: true }, config }, async (_request, reply) => {
    const database = await databaseReason();
    const reasons = [...unreadyReasons(), ...(database === undefined ? [] : [database])];
    void reply.header('cache-control', 'no-store').code(reasons.length === 0 ? 200 : 503);
    return { status: reasons.length === 0 ? 'ready' : 'not ready', reasons };
  });
};
