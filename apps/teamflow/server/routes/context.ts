import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Pager } from '@teamflow/autopilot/page';
import type { Database } from '../database/database.ts';
import type { Plant } from '../environment.ts';
import type { AdministrativeLog } from '../http/administrative-log.ts';

/** What an organization's routes are made with: no database but that of the request's membership. */
export interface RouteContext {
  readonly pager: Pager;
  /** Faults made on purpose. */
  readonly plants: ReadonlySet<Plant>;
}

/** What the routes are made with that are about the caller and not about what is in an organization. */
export interface AccountContext extends RouteContext {
  /** Across organizations. */
  readonly database: Database;
}

/** What the administration's routes are made with. */
export interface AdministrationContext extends AccountContext {
  readonly administrativeLog: AdministrativeLog;
}

/** A group of routes: a Fastify plugin whose handlers get their types from the schemas. */
export type Routes<Context = RouteContext> = (context: Context) => FastifyPluginAsyncTypebox;
