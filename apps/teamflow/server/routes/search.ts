import { sql } from 'kysely';
import { Type } from 'typebox';
import { membershipOf } from '../http/identity.ts';
import type { Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { readPage } from './listing.ts';
import { answers, inOrganization, listQuery, pageOf, SearchHitSchema, taskFilters } from './schemas.ts';
import { filterTasks, selectTasks } from './task-queries.ts';

/** Full-text search over titles and descriptions. */
export const searchRoutes: Routes =
  ({ pager }) =>
  async (app) => {
    app.get(
      '/search',
      {
        schema: {
          summary: 'Tasks that match some words, best first',
          description:
            'Words, "quoted phrases", or, and -without, as web search engines take them; filters as on the list of tasks.',
          tags: ['search'],
          params: inOrganization({}),
          querystring: listQuery({ q: Type.String({ minLength: 1, maxLength: 200 }), ...taskFilters }),
          response: answers(pageOf(SearchHitSchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const { q, cursor, limit, count, ...filter } = request.query;
        const wanted = sql`websearch_to_tsquery('english', ${q})`;
        const hits = filterTasks(selectTasks(database), filter)
          .select(['tasks.description', sql<number>`ts_rank(tasks.search, ${wanted})`.as('rank')])
          .where(sql<boolean>`tasks.search @@ ${wanted}`);
        // The excerpt is cut outside the ranking, so that only the rows of the page pay for it.
        const query = database
          .selectFrom(hits.as('hit'))
          .selectAll('hit')
          .select(
            sql<string>`ts_headline('english', hit.title || '. ' || hit.description, ${wanted},
              'StartSel="", StopSel="", MinWords=8, MaxWords=24')`.as('excerpt'),
          );
        const paging = {
          cursor,
          limit,
          count,
          order: listOrders.search,
          filter: { list: 'search', organizationId, q, ...filter },
          url: request.url,
        };
        // The description, read for the excerpt, is not in the schema of the answer and so is left out of it.
        const { items, page } = await readPage({ pager, database }, paging, reply, query, (hit) => [
          String(hit.rank),
          String(hit.id),
        ]);
        return { items, page };
      },
    );
  };
