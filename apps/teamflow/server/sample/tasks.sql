-- Tasks: more of them the nearer to today, in working hours; numbered and stored in the order they were made, so that
-- the rows of all organizations lie mixed, as they would.
create temporary table sample_task_times on commit drop as
with made as (
  select rank, k, rank * 10000000::bigint + k as key, since + (anchor - since) * (k::float8 / (tasks + 1)) ^ (1 / 1.8) as at
  from sample_organizations, parameters, generate_series(1, tasks) as k
), shifted as (
  select rank, k,
    date_trunc('day', at)
      -- Most of what falls on a weekend belongs to the days before.
      - case when extract(isodow from at) > 5 and pg_temp.roll(key, 301) < 0.9
        then interval '2 days' else interval '0' end
      + (7.5 + 5.5 * (pg_temp.roll(key, 302) + pg_temp.roll(key, 303))) * interval '1 hour' as at
  from made
)
select row_number() over (order by least(at, anchor - interval '1 second'), rank, k) as id,
  rank, k::integer, least(at, anchor - interval '1 second') as created_at
from shifted, parameters;

-- What is rolled for each task, rolled once: OFFSET 0 keeps the expressions from being copied into one another.
create temporary table sample_tasks on commit drop as
select d.*,
  created_at + interval '1 day' * least(age_days, case when status in ('done', 'cancelled')
    then -9 * ln(pg_temp.roll(id, 408) + 1e-9) else age_days * pg_temp.roll(id, 408) ^ 3 end) as changed_at,
  case when assigned > case when status = 'backlog' then 0.5 else 0.12 end
    then 1 + floor(people * pg_temp.roll(id, 417) ^ 2)::integer end as assignee,
  case when texts > 0.45 then floor(sentence_count * pg_temp.roll(id, 423) ^ 1.5)::integer end as s1,
  case when texts > 0.80 then floor(sentence_count * pg_temp.roll(id, 424) ^ 1.5)::integer end as s2,
  case when texts > 0.92 then floor(sentence_count * pg_temp.roll(id, 425))::integer end as s3,
  case when texts > 0.97 then floor(sentence_count * pg_temp.roll(id, 426))::integer end as s4
from (
  select r.*,
    case when state < 0.85 * finished then 'done' when state < 0.92 * finished then 'cancelled'
      when open < 0.45 then 'backlog' when open < 0.70 then 'todo' when open < 0.90 then 'in_progress'
      else 'in_review' end as status
  from (
    select t.*, o.people, age_days,
      -- A task is finished within weeks, or hardly ever.
      1 - exp(-age_days / 25) as finished,
      pg_temp.roll(t.id, 401) as state, pg_temp.roll(t.id, 402) as open, pg_temp.roll(t.id, 403) as pressing,
      pg_temp.roll(t.id, 404) as labelled, pg_temp.roll(t.id, 405) as texts, pg_temp.roll(t.id, 406) as assigned,
      floor(24 * pg_temp.roll(t.id, 407) ^ 2.2)::integer as label,
      1 + floor(o.projects * pg_temp.roll(t.id, 415) ^ 2)::integer as project,
      1 + floor(o.people * pg_temp.roll(t.id, 416) ^ 1.5)::integer as creator,
      floor((select count(*) from openings) * pg_temp.roll(t.id, 421) ^ 1.3)::integer as opening,
      floor((select count(*) from endings) * pg_temp.roll(t.id, 422) ^ 1.3)::integer as ending,
      (select count(*) from sentences) as sentence_count
    from sample_task_times t
    join sample_organizations o on o.rank = t.rank
    cross join parameters
    cross join lateral (select extract(epoch from anchor - t.created_at)::float8 / 86400 as age_days offset 0) as aged
    offset 0
  ) as r
  offset 0
) as d;

analyze sample_tasks;

-- One to three labels, by the first of them.
create temporary table sample_labels on commit drop as
select a.n, array[a.word] as one, array[a.word, b.word] as two, array[a.word, b.word, c.word] as three
from vocabulary a, vocabulary b, vocabulary c
where a.kind = 'label' and b.kind = 'label' and c.kind = 'label' and b.n = (a.n + 5) % 24 and c.n = (a.n + 11) % 24;

analyze sample_labels;

insert into tasks (organization_id, id, project_id, title, description, status, priority, assignee_id, created_by_id,
  due_on, labels, position, created_at, updated_at, completed_at)
select p.organization_id, t.id, p.id,
  opening.text || ' ' || ending.text
    || case when pg_temp.roll(t.id, 411) < 0.15 then ' #' || (10000 + floor(90000 * pg_temp.roll(t.id, 412)))::integer else '' end,
  concat_ws(' ', s1.text, s2.text, s3.text, s4.text),
  t.status,
  case when pressing < 0.55 then 'none' when pressing < 0.65 then 'low' when pressing < 0.85 then 'medium'
    when pressing < 0.96 then 'high' else 'urgent' end,
  assignee.user_id, creator.user_id,
  case when pg_temp.roll(t.id, 413) < 0.35
    then (t.created_at + (2 + 40 * pg_temp.roll(t.id, 414) ^ 2) * interval '1 day')::date end,
  case when labelled < 0.45 then '{}' when labelled < 0.80 then label.one when labelled < 0.95 then label.two
    else label.three end,
  t.id * 1024.0, t.created_at, t.changed_at, case when t.status = 'done' then t.changed_at end
from sample_tasks t
join sample_projects p on p.rank = t.rank and p.i = t.project
join sample_people creator on creator.rank = t.rank and creator.i = t.creator
left join sample_people assignee on assignee.rank = t.rank and assignee.i = t.assignee
join sample_labels label on label.n = t.label
join openings opening on opening.n = t.opening
join endings ending on ending.n = t.ending
left join sentences s1 on s1.n = t.s1
left join sentences s2 on s2.n = t.s2
left join sentences s3 on s3.n = t.s3
left join sentences s4 on s4.n = t.s4;
