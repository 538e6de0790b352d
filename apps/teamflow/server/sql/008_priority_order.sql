-- indexes: full
-- The list of tasks, the most urgent first: all in one direction and nothing null, so that every page is one range.
drop index tasks_priority_idx;
create index tasks_priority_idx on tasks (
  organization_id,
  array_position(array['urgent', 'high', 'medium', 'low', 'none'], priority),
  coalesce(due_on, 'infinity'::date),
  id
);
