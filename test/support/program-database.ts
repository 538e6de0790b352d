import { metricDatabase } from './metric-store.ts';
import { type TestDatabase, throwawayCluster } from './postgres.ts';

/** A database with the schema `autopilot` for a program that is no test; gone, with its server, when `act` has ended. */
export async function withProgramDatabase<T>(act: (database: TestDatabase) => Promise<T>): Promise<T> {
  const hooks: ((context?: unknown) => Promise<void> | void)[] = [];
  const server = await throwawayCluster();
  try {
    return await act(await metricDatabase({ after: (fn) => hooks.push(fn), afterEach: () => {} }, server));
  } finally {
    for (let hook = hooks.pop(); hook !== undefined; hook = hooks.pop()) await hook();
    await server.stop();
  }
}
