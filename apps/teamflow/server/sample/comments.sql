-- Comments: half of them on recent tasks, half on a few that everybody talks about; stored as they were written.
create temporary table sample_comment_times on commit drop as
with aimed as (
  select rank, tasks, rank * 100000000::bigint + j as key
  from sample_organizations, generate_series(1, comments) as j
), hit as (
  select rank, key,
    (case when pg_temp.roll(key, 501) < 0.5
      then tasks - floor(tasks * pg_temp.roll(key, 502) ^ 2)
      -- Which tasks are talked about: the first ones of a shuffle.
      else 1 + floor(tasks * pg_temp.roll(rank * 100000000::bigint + floor(tasks * pg_temp.roll(key, 503) ^ 2.5)::bigint, 504))
    end)::integer as k
  from aimed
  offset 0
)
select row_number() over (order by at, key) as id, rank, task_id, at as created_at
from (
  select h.rank, h.key, t.id as task_id,
    t.created_at + (anchor - t.created_at) * (0.001 + 0.998 * pg_temp.roll(h.key, 505) ^ 3) as at
  from hit h
  join sample_task_times t on t.rank = h.rank and t.k = h.k
  cross join parameters
) c;

create temporary table sample_comments on commit drop as
select c.*,
  1 + floor(o.people * pg_temp.roll(c.id, 511) ^ 1.7)::integer as author,
  floor(sentence_count * pg_temp.roll(c.id, 512) ^ 1.2)::integer as s1,
  case when more < 0.45 then floor(sentence_count * pg_temp.roll(c.id, 513))::integer end as s2,
  case when more < 0.15 then floor(sentence_count * pg_temp.roll(c.id, 514))::integer end as s3
from (
  select t.*, pg_temp.roll(t.id, 515) as more, (select count(*) from sentences) as sentence_count
  from sample_comment_times t
  offset 0
) as c
join sample_organizations o on o.rank = c.rank;

analyze sample_comments;

insert into comments (organization_id, id, task_id, author_id, body, created_at)
select author.organization_id, c.id, c.task_id, author.user_id, concat_ws(' ', s1.text, s2.text, s3.text), c.created_at
from sample_comments c
join sample_people author on author.rank = c.rank and author.i = c.author
join sentences s1 on s1.n = c.s1
left join sentences s2 on s2.n = c.s2
left join sentences s3 on s3.n = c.s3;
