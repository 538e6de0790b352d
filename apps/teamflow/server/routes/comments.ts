import { type SelectQueryBuilder, sql } from 'kysely';
import { Type } from 'typebox';
import type { OrganizationTables } from '../database/database.ts';
import type { OrganizationDatabase } from '../database/organization-scope.ts';
import { hasRole, identityOf, membershipOf } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { nullableTimestampText, readPage, timestampText } from './listing.ts';
import { recordActivity } from './record-activity.ts';
import { answers, body, CommentSchema, Id, inOrganization, listQuery, noContent, pageOf } from './schemas.ts';
import { missingTask } from './task-queries.ts';

const tags = ['comments'];
const Text = Type.String({ minLength: 1, maxLength: 20_000 });

interface CommentRow {
  id: number;
  taskId: number;
  authorId: string | null;
  /** Null also for somebody who has left the organization. */
  authorName: string | null;
  body: string;
  createdAt: string;
  editedAt: string | null;
}

type CommentQuery = SelectQueryBuilder<OrganizationTables, 'comments', CommentRow>;

function selectComments(database: OrganizationDatabase, taskId: number): CommentQuery {
  const query = database
    .selectFrom('comments')
    .leftJoin('people as author', 'author.userId', 'comments.authorId')
    .select(['comments.id', 'comments.taskId', 'comments.authorId', 'author.name as authorName', 'comments.body'])
    .select([
      timestampText('comments.createdAt').as('createdAt'),
      nullableTimestampText('comments.editedAt').as('editedAt'),
    ])
    .where('comments.taskId', '=', taskId);
  return query;
}

async function commentOf(database: OrganizationDatabase, taskId: number, commentId: number): Promise<CommentRow> {
  const found = await selectComments(database, taskId).where('comments.id', '=', commentId).executeTakeFirst();
  if (found === undefined) throw new Problem('TF_NOT_FOUND', `There is no comment ${commentId} on task ${taskId}.`);
  return found;
}

async function projectOfTask(database: OrganizationDatabase, taskId: number): Promise<number> {
  const task = await database.selectFrom('tasks').select('projectId').where('id', '=', taskId).executeTakeFirst();
  if (task === undefined) throw missingTask(taskId);
  return task.projectId;
}

/** What people say about a task. */
export const commentRoutes: Routes =
  ({ pager }) =>
  async (app) => {
    app.get(
      '/tasks/:taskId/comments',
      {
        schema: {
          summary: 'The comments on a task, oldest first',
          tags,
          params: inOrganization({ taskId: Id }),
          querystring: listQuery({}),
          response: answers(pageOf(CommentSchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const { taskId } = request.params;
        await projectOfTask(database, taskId);
        return readPage(
          { pager, database },
          {
            ...request.query,
            order: listOrders.comments,
            filter: { list: 'comments', organizationId, taskId },
            url: request.url,
          },
          reply,
          selectComments(database, taskId),
          (row) => [row.createdAt, String(row.id)],
        );
      },
    );

    app.post(
      '/tasks/:taskId/comments',
      {
        schema: {
          summary: 'Comment on a task',
          tags,
          params: inOrganization({ taskId: Id }),
          body: body({ body: Text }),
          response: answers(CommentSchema, 201),
        },
      },
      async (request, reply) => {
        const { taskId } = request.params;
        const actorId = identityOf(request).user.id;
        const comment = await membershipOf(request)
          .database.transaction()
          .execute(async (transaction) => {
            const projectId = await projectOfTask(transaction, taskId);
            const { id } = await transaction
              .insertInto('comments')
              .values({ taskId, authorId: actorId, body: request.body.body })
              .returning('id')
              .executeTakeFirstOrThrow();
            const detail = { commentId: id };
            await recordActivity(transaction, { kind: 'comment.created', actorId, projectId, taskId, detail });
            return commentOf(transaction, taskId, id);
          });
        return reply.code(201).header('location', `${request.url}/${comment.id}`).send(comment);
      },
    );

    app.patch(
      '/tasks/:taskId/comments/:commentId',
      {
        schema: {
          summary: 'Edit a comment of one’s own',
          tags,
          params: inOrganization({ taskId: Id, commentId: Id }),
          body: body({ body: Text }),
          response: answers(CommentSchema),
        },
      },
      async (request) => {
        const { database } = membershipOf(request);
        const { taskId, commentId } = request.params;
        const { authorId } = await commentOf(database, taskId, commentId);
        if (authorId !== identityOf(request).user.id) {
          throw new Problem('TF_FORBIDDEN', 'Only its author can edit a comment.');
        }
        await database
          .updateTable('comments')
          .set({ body: request.body.body, editedAt: sql<Date>`now()` })
          .where('id', '=', commentId)
          .execute();
        return commentOf(database, taskId, commentId);
      },
    );

    app.delete(
      '/tasks/:taskId/comments/:commentId',
      {
        schema: {
          summary: 'Delete a comment of one’s own, or as an administrator of the organization any',
          tags,
          params: inOrganization({ taskId: Id, commentId: Id }),
          response: noContent,
        },
      },
      async (request, reply) => {
        const membership = membershipOf(request);
        const { taskId, commentId } = request.params;
        const { authorId } = await commentOf(membership.database, taskId, commentId);
        if (authorId !== identityOf(request).user.id && !hasRole(membership, 'admin')) {
          throw new Problem('TF_FORBIDDEN', 'Only its author or an administrator can delete a comment.');
        }
        await membership.database.deleteFrom('comments').where('id', '=', commentId).execute();
        return reply.code(204).send();
      },
    );
  };
