-- indexes: full
-- Every order that a list is offered in is one range of an index. Those dropped are what the new ones begin with.

-- GET tasks?sort=-priority: the most urgent first, of those what is due first.
create index tasks_priority_idx on tasks
  (organization_id, array_position(array['none', 'low', 'medium', 'high', 'urgent'], priority) desc, due_on, id);
-- GET members, in the order they joined; better-auth: members of an organization.
create index members_joined_idx on members (organization_id, created_at, user_id);
drop index members_organization_id_idx;
-- GET /organizations, in the order one joined them; better-auth: the organizations of a user.
create index members_user_joined_idx on members (user_id, created_at, organization_id);
drop index members_user_id_idx;
-- GET administration/users/{id}/sessions, oldest first; better-auth: the sessions of a user.
create index sessions_user_created_idx on sessions (user_id, created_at, id);
drop index sessions_user_id_idx;
