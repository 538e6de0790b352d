-- The feed of the last two weeks.
insert into activity (organization_id, kind, actor_id, project_id, task_id, detail, created_at)
select organization_id, kind, actor_id, project_id, task_id, detail, created_at
from (
  select organization_id, 'task.created' as kind, created_by_id as actor_id, project_id, id as task_id,
    jsonb_build_object('title', title) as detail, created_at
  from tasks, parameters where created_at > anchor - interval '14 days'
  union all
  select organization_id, 'task.moved', coalesce(assignee_id, created_by_id), project_id, id,
    jsonb_build_object('from', 'in_progress', 'to', status), updated_at
  from tasks, parameters where status in ('done', 'in_review') and updated_at > anchor - interval '14 days'
  union all
  select c.organization_id, 'comment.created', c.author_id, t.project_id, t.id,
    jsonb_build_object('commentId', c.id), c.created_at
  from comments c
  join tasks t on t.organization_id = c.organization_id and t.id = c.task_id
  cross join parameters
  where c.created_at > anchor - interval '14 days'
) as happened
order by created_at;
