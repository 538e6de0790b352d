import { sql } from 'kysely';
import { Type } from 'typebox';
import { membershipOf } from '../http/identity.ts';
import type { Routes } from './context.ts';
import { answers, inOrganization, PrioritySchema, StatusSchema } from './schemas.ts';

const closed = { additionalProperties: false } as const;
const Count = Type.Integer();
const Summary = Type.Object(
  {
    total: Count,
    open: Count,
    overdue: Type.Integer({ description: 'Open tasks whose due date has passed.' }),
    byStatus: Type.Array(Type.Object({ status: StatusSchema, count: Count }, closed)),
    openByPriority: Type.Array(Type.Object({ priority: PrioritySchema, count: Count }, closed)),
    busiestProjects: Type.Array(Type.Object({ projectId: Count, name: Type.String(), open: Count }, closed)),
    busiestMembers: Type.Array(Type.Object({ userId: Type.String(), name: Type.String(), open: Count }, closed)),
    createdLast7Days: Count,
    completedLast7Days: Count,
  },
  closed,
);
/** How many projects and members the summary names. */
const shown = 10;

/** The counts that the front page shows. */
export const summaryRoutes: Routes = () => async (app) => {
  app.get(
    '/summary',
    {
      schema: {
        summary: 'Counts over all boards of the organization',
        tags: ['board'],
        params: inOrganization({}),
        response: answers(Summary),
      },
    },
    async (request) => {
      const { database } = membershipOf(request);
      const isOpen = sql<boolean>`tasks.status not in ('done', 'cancelled')`;
      const weekAgo = sql<Date>`now() - interval '7 days'`;
      const groups = await database
        .selectFrom('tasks')
        .select((eb) => [
          'status',
          'priority',
          eb.fn.countAll<number>().as('count'),
          eb.fn.countAll<number>().filterWhere('dueOn', '<', sql<string>`current_date`).as('overdue'),
          eb.fn.countAll<number>().filterWhere('createdAt', '>', weekAgo).as('created'),
          eb.fn.countAll<number>().filterWhere('completedAt', '>', weekAgo).as('completed'),
        ])
        .groupBy(['status', 'priority'])
        .execute();
      const busiestProjects = await database
        .selectFrom('tasks')
        .innerJoin('projects', 'projects.id', 'tasks.projectId')
        .select((eb) => ['projects.id as projectId', 'projects.name', eb.fn.countAll<number>().as('open')])
        .where(isOpen)
        .groupBy(['projects.id', 'projects.name'])
        .orderBy('open', 'desc')
        .orderBy('projects.id')
        .limit(shown)
        .execute();
      const busiestMembers = await database
        .selectFrom('tasks')
        .innerJoin('people', 'people.userId', 'tasks.assigneeId')
        .select((eb) => ['people.userId', 'people.name', eb.fn.countAll<number>().as('open')])
        .where(isOpen)
        .groupBy(['people.userId', 'people.name'])
        .orderBy('open', 'desc')
        .orderBy('people.userId')
        .limit(shown)
        .execute();
      const sum = <Name extends string>(rows: readonly Readonly<Record<Name, number>>[], name: Name): number =>
        rows.reduce((total, row) => total + row[name], 0);
      const open = groups.filter((row) => row.status !== 'done' && row.status !== 'cancelled');
      const byStatus = Map.groupBy(groups, (row) => row.status);
      const byPriority = Map.groupBy(open, (row) => row.priority);
      return {
        total: sum(groups, 'count'),
        open: sum(open, 'count'),
        overdue: sum(open, 'overdue'),
        byStatus: [...byStatus].map(([status, rows]) => ({ status, count: sum(rows, 'count') })),
        openByPriority: [...byPriority].map(([priority, rows]) => ({ priority, count: sum(rows, 'count') })),
        busiestProjects,
        busiestMembers,
        createdLast7Days: sum(groups, 'created'),
        completedLast7Days: sum(groups, 'completed'),
      };
    },
  );
};
