import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Pager } from '@teamflow/autopilot/page';
import type { Database } from '../database/database.ts';

/** What routes are made with. */
export interface RouteContext {
  /** Across organizations: only for what is about the caller. Everything else uses the request's membership. */
  readonly database: Database;
  readonly pager: Pager;
}

/** A group of routes: a Fastify plugin whose handlers get their types from the schemas. */
export type Routes = (context: RouteContext) => FastifyPluginAsyncTypebox;
