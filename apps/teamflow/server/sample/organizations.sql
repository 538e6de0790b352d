-- Organizations of Zipf-like size with their people, teams and projects.
create temporary table sample_organizations on commit drop as
with sizes as (
  select rank, sum(1.0 / rank) over (order by rank) / sum(1.0 / rank) over () as upto
  from parameters, generate_series(1, organization_count) as rank
), shares as (
  select rank, upto, coalesce(lag(upto) over (order by rank), 0) as from_share from sizes
), counts as (
  select rank,
    greatest(1, round(task_count * upto) - round(task_count * from_share))::integer as tasks,
    greatest(1, round(comment_count * upto) - round(comment_count * from_share))::integer as comments
  from shares, parameters
)
select rank, md5(seed || ':organization:' || rank)::uuid as id, tasks, comments,
  (4 + sqrt(tasks) / 2.5)::integer as people,
  (1 + sqrt(tasks) / 30)::integer as teams,
  least(250, 2 + sqrt(tasks) / 6)::integer as projects,
  -- How long it has been with us: half a year to two years.
  anchor - (180 + 550 * pg_temp.roll(rank, 201)) * interval '1 day' as since,
  c.word || ' ' || t.word || case when rank > 600 then ' ' || rank else '' end as name
from counts, parameters, vocabulary c, vocabulary t
where c.kind = 'company' and c.n = (rank * 7) % 30 and t.kind = 'trade' and t.n = (rank * 11 + rank / 30) % 20;

insert into organizations (id, name, slug, created_at)
select id, name, lower(replace(name, ' ', '-')) || '-' || rank, since from sample_organizations order by rank;

-- One account for each place; the first of an organization owns it.
create temporary table sample_people on commit drop as
select rank, i, o.id as organization_id, md5(seed || ':user:' || rank || ':' || i)::uuid as user_id,
  f.word || ' ' || l.word as name, f.word as first, l.word as last, since,
  case when i = 1 then 'owner' when pg_temp.roll(rank * 10000 + i, 211) < 0.08 then 'admin' else 'member' end as role
from sample_organizations o, parameters, generate_series(1, people) as i,
  vocabulary f, vocabulary l
where f.kind = 'first' and f.n = floor(40 * pg_temp.roll(rank * 10000 + i, 212))
  and l.kind = 'last' and l.n = floor(50 * pg_temp.roll(rank * 10000 + i, 213));

insert into users (id, name, email, email_verified, created_at, updated_at, role)
select user_id, name, lower(first || '.' || last) || '.' || rank || '-' || i || '@teamflow.example', true, since, since, 'user'
from sample_people order by rank, i;

insert into accounts (account_id, provider_id, user_id, password, created_at, updated_at)
select user_id::text, 'credential', user_id, password_hash, since, since from sample_people, parameters order by rank, i;

insert into members (organization_id, user_id, role, created_at)
select organization_id, user_id, role, since + (i - 1) * interval '1 hour' from sample_people order by rank, i;

-- Some also work for another organization.
insert into members (organization_id, user_id, role, created_at)
select o.id, p.user_id, 'member', anchor - interval '30 days'
from sample_people p, parameters, sample_organizations o
where pg_temp.roll(p.rank * 10000 + p.i, 214) < 0.03
  and o.rank = 1 + floor(organization_count * pg_temp.roll(p.rank * 10000 + p.i, 215))
on conflict (organization_id, user_id) do nothing;

create temporary table sample_teams on commit drop as
select rank, i, o.id as organization_id, row_number() over (order by rank, i) as id, since,
  w.word || case when i > 25 then ' ' || i else '' end as name
from sample_organizations o, generate_series(1, teams) as i, vocabulary w
where w.kind = 'area' and w.n = (rank + i) % 25;

insert into teams (organization_id, id, name, created_at)
select organization_id, id, name, since from sample_teams order by id;

insert into team_members (organization_id, team_id, user_id)
select distinct p.organization_id, t.id, p.user_id
from sample_people p
join sample_organizations o on o.rank = p.rank
cross join generate_series(1, 2) as pick
join sample_teams t on t.rank = p.rank and t.i = 1 + floor(o.teams * pg_temp.roll(p.rank * 10000 + p.i, 220 + pick))
where pick = 1 or pg_temp.roll(p.rank * 10000 + p.i, 223) < 0.2
order by 1, 2, 3;

create temporary table sample_projects on commit drop as
select rank, i, o.id as organization_id, row_number() over (order by rank, i) as id, since,
  a.word || ' ' || g.word as name,
  1 + floor(teams * pg_temp.roll(rank * 1000 + i, 231))::integer as team,
  i > projects * 0.7 and pg_temp.roll(rank * 1000 + i, 232) < 0.3 as archived
from sample_organizations o, generate_series(1, projects) as i, vocabulary a, vocabulary g
where a.kind = 'area' and a.n = i % 25 and g.kind = 'goal' and g.n = (i / 25 + rank) % 10;

insert into projects (organization_id, id, team_id, name, archived_at, created_at, updated_at)
select p.organization_id, p.id, t.id, p.name, case when archived then anchor - interval '20 days' end, p.since, p.since
from sample_projects p, parameters, sample_teams t
where t.rank = p.rank and t.i = p.team
order by p.id;

analyze sample_organizations;
analyze sample_people;
analyze sample_projects;
