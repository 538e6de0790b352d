import { sql } from 'kysely';
import type { JobHandler } from './job-kinds.ts';
import { organizationBatches } from './organization-batches.ts';

/** Days are those of UTC: an organization's people may live anywhere. */
const today = sql`(now() at time zone 'UTC')::date`;

/** Tells assignees of open tasks that are due today or tomorrow: once for each task and due date. */
export const dueReminders: JobHandler = async (_payload, { database, signal }) => {
  for await (const ids of organizationBatches(database, signal)) {
    // Organization by organization within the statement: that is how the index of due dates begins.
    await sql`
      insert into teamflow.notifications (organization_id, user_id, kind, project_id, task_id, detail, once_key)
      select task.organization_id, task.assignee_id, 'due', task.project_id, task.id,
        jsonb_build_object('title', task.title, 'dueOn', task.due_on), 'due ' || task.id || ' ' || task.due_on
      from unnest(${ids}::uuid[]) as one (id)
      cross join lateral (
        select * from teamflow.tasks
        where organization_id = one.id
          and coalesce(due_on, 'infinity'::date) >= ${today} and coalesce(due_on, 'infinity'::date) <= ${today} + 1
          and assignee_id is not null and status not in ('done', 'cancelled')
      ) as task
      on conflict (organization_id, user_id, once_key) do nothing`.execute(database);
  }
};

/** Tells each member once a day what others did yesterday and what of his own is due within a week, or overdue. */
export const digest: JobHandler = async (_payload, { database, signal }) => {
  for await (const ids of organizationBatches(database, signal)) {
    await sql`
      with deeds as (
        select organization_id, actor_id, count(*)::int as count
        from teamflow.activity
        where organization_id = any(${ids}::uuid[])
          and created_at >= (${today} - 1)::timestamp at time zone 'UTC'
          and created_at < ${today}::timestamp at time zone 'UTC'
        group by organization_id, actor_id
      ), own as (
        select organization_id, assignee_id,
          count(*) filter (where due_on < ${today})::int as overdue, count(*) filter (where due_on >= ${today})::int as due
        from teamflow.tasks
        where organization_id = any(${ids}::uuid[])
          and coalesce(due_on, 'infinity'::date) < ${today} + 7
          and assignee_id is not null and status not in ('done', 'cancelled')
        group by organization_id, assignee_id
      ), news as (
        select member.organization_id, member.user_id, coalesce(own.overdue, 0) as overdue, coalesce(own.due, 0) as due,
          coalesce((
            select sum(count)::int from deeds
            where deeds.organization_id = member.organization_id and deeds.actor_id is distinct from member.user_id
          ), 0) as deeds
        from teamflow.members as member
        left join own on own.organization_id = member.organization_id and own.assignee_id = member.user_id
        where member.organization_id = any(${ids}::uuid[])
      )
      insert into teamflow.notifications (organization_id, user_id, kind, detail, once_key)
      select organization_id, user_id, 'digest',
        jsonb_build_object('day', ${today} - 1, 'activity', deeds, 'due', due, 'overdue', overdue),
        'digest ' || ${today}
      from news
      where deeds + due + overdue > 0
      on conflict (organization_id, user_id, once_key) do nothing`.execute(database);
  }
};

/** Counts the activity of today and of the two days before by kind. Counting again gives the same. */
export const rollUp: JobHandler = async (_payload, { database, signal }) => {
  for await (const ids of organizationBatches(database, signal)) {
    await sql`
      insert into teamflow.activity_days (organization_id, day, kind, count)
      select organization_id, (created_at at time zone 'UTC')::date, kind, count(*)
      from teamflow.activity
      where organization_id = any(${ids}::uuid[]) and created_at >= (${today} - 2)::timestamp at time zone 'UTC'
      group by 1, 2, 3
      on conflict (organization_id, day, kind) do update set count = excluded.count
      where activity_days.count <> excluded.count`.execute(database);
  }
};

/** Deletes expired exports, and notifications after 90 days; counts of activity stay two years. */
export const cleanUp: JobHandler = async (_payload, { database, signal }) => {
  await sql`delete from teamflow.exports where expires_at < now()`.execute(database);
  // Its process was killed at the last attempt: nobody works on it any more.
  await sql`
    update teamflow.exports set status = 'failed', finished_at = now()
    where status in ('queued', 'running') and created_at < now() - interval '6 hours'`.execute(database);
  signal.throwIfAborted();
  await sql`delete from teamflow.notifications where created_at < now() - interval '90 days'`.execute(database);
  await sql`delete from teamflow.activity_days where day < ${today} - 730`.execute(database);
};
