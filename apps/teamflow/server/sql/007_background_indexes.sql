-- indexes: full
-- GET notifications, newest first.
create index notifications_user_idx on notifications (organization_id, user_id, created_at, id);
-- The number of those that are not read.
create index notifications_unread_idx on notifications (organization_id, user_id) where read_at is null;
-- The clean-up.
create index notifications_age_idx on notifications (created_at);
create index exports_expires_idx on exports (expires_at);
-- Who has how many; deleting a project.
create index exports_requested_idx on exports (organization_id, requested_by);
create index exports_project_idx on exports (organization_id, project_id);
