-- indexes: full
-- Everything beyond primary and unique keys; left out under TEAMFLOW_INDEXES=neglected. Each names what it serves.

-- better-auth: the sessions of a user (sign out everywhere, list sessions).
create index sessions_user_id_idx on sessions (user_id);
-- better-auth: the password of a user at sign-in.
create index accounts_user_id_idx on accounts (user_id);
-- better-auth: a one-time code by what it was sent for.
create index verifications_identifier_idx on verifications (identifier);
-- better-auth: the organizations of a user; GET /me and GET /organizations.
create index members_user_id_idx on members (user_id);
-- better-auth: members of an organization; GET members, oldest first.
create index members_organization_id_idx on members (organization_id);
-- better-auth: open invitations of an organization, and of an address.
create index invitations_organization_id_idx on invitations (organization_id);
create index invitations_email_idx on invitations (email);
-- better-auth: key look-up on every call by API key, and the keys of a user.
create index api_keys_key_idx on api_keys (key);
create index api_keys_config_id_idx on api_keys (config_id);
create index api_keys_reference_id_idx on api_keys (reference_id);

-- GET tasks, newest or oldest first.
create index tasks_created_idx on tasks (organization_id, created_at, id);
-- GET tasks, by last change.
create index tasks_updated_idx on tasks (organization_id, updated_at, id);
-- GET tasks by due date (tasks without one last), the due range, and the overdue of the summary.
create index tasks_due_idx on tasks (organization_id, (coalesce(due_on, 'infinity'::date)), id);
-- GET tasks?status=, newest first.
create index tasks_status_idx on tasks (organization_id, status, created_at, id);
-- GET tasks?assigneeId=, newest first; unassigning a member who leaves.
create index tasks_assignee_idx on tasks (organization_id, assignee_id, created_at, id);
-- GET tasks?projectId=, newest first; deleting a project.
create index tasks_project_idx on tasks (organization_id, project_id, created_at, id);
-- The board: each column of a project in its order, its count, and the neighbours of a moved card.
create index tasks_board_idx on tasks (organization_id, project_id, status, position, id);
-- GET tasks?label=.
create index tasks_labels_idx on tasks using gin (labels);
-- GET search.
create index tasks_search_idx on tasks using gin (search);
-- Comments of a task, oldest first; deleting a task.
create index comments_task_idx on comments (organization_id, task_id, created_at, id);
-- GET activity, newest first.
create index activity_created_idx on activity (organization_id, created_at, id);
-- GET tasks/{id}/activity.
create index activity_task_idx on activity (organization_id, task_id, created_at, id);
-- Projects of a team; deleting a team.
create index projects_team_idx on projects (organization_id, team_id);
-- Teams of a member; a member who leaves.
create index team_members_user_idx on team_members (organization_id, user_id);
