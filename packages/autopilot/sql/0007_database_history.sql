-- What was seen of the databases that are watched. Only the control plane that leads writes here.
-- Each statement as its server counted it last: what is counted later is compared with it, also after a restart.
CREATE TABLE autopilot.database_statements (
  -- The name of the watched database.
  database text NOT NULL,
  query_id text NOT NULL,
  role text NOT NULL,
  -- Without literals; null: not read yet, or not to be seen.
  text text,
  -- A statement of the autopilot.
  is_own boolean NOT NULL,
  -- Since when its server counts it; null: since the reset of all, or not known.
  since text,
  calls float8 NOT NULL,
  total_ms float8 NOT NULL,
  rows float8 NOT NULL,
  plan_ms float8 NOT NULL,
  buffers_hit float8 NOT NULL,
  buffers_read float8 NOT NULL,
  buffers_dirtied float8 NOT NULL,
  temp_buffers_read float8 NOT NULL,
  temp_buffers_written float8 NOT NULL,
  read_ms float8 NOT NULL,
  write_ms float8 NOT NULL,
  wal_bytes float8 NOT NULL,
  seen_at timestamptz NOT NULL,
  -- "All of a database", at the start of a control plane.
  PRIMARY KEY (database, query_id, role)
);
-- What statements did in a minute, or an hour.
CREATE TABLE autopilot.database_statement_steps (
  database text NOT NULL,
  step_ms int NOT NULL,
  -- Its beginning.
  at timestamptz NOT NULL,
  query_id text NOT NULL,
  role text NOT NULL,
  calls float8 NOT NULL,
  total_ms float8 NOT NULL,
  rows float8 NOT NULL,
  plan_ms float8 NOT NULL,
  buffers_hit float8 NOT NULL,
  buffers_read float8 NOT NULL,
  buffers_dirtied float8 NOT NULL,
  temp_buffers_read float8 NOT NULL,
  temp_buffers_written float8 NOT NULL,
  read_ms float8 NOT NULL,
  write_ms float8 NOT NULL,
  wal_bytes float8 NOT NULL,
  -- "All statements of this time", and what is older than is kept.
  PRIMARY KEY (database, step_ms, at, query_id, role)
);
-- "One statement over time."
CREATE INDEX database_statement_steps_of ON autopilot.database_statement_steps (database, query_id, step_ms, at);
-- The database as a whole, once a minute. `values` by the names of contract/database-history.ts.
CREATE TABLE autopilot.database_samples (
  database text NOT NULL,
  at timestamptz NOT NULL,
  values jsonb NOT NULL,
  PRIMARY KEY (database, at)
);
-- Tables as they stood at the end of an hour.
CREATE TABLE autopilot.database_table_hours (
  database text NOT NULL,
  -- The beginning of the hour.
  at timestamptz NOT NULL,
  -- With its schema: "public.tasks".
  relation text NOT NULL,
  -- null: not measured.
  total_bytes float8,
  live_rows float8 NOT NULL,
  dead_rows float8 NOT NULL,
  inserted float8 NOT NULL,
  updated float8 NOT NULL,
  deleted float8 NOT NULL,
  hot_updated float8 NOT NULL,
  vacuums float8 NOT NULL,
  -- "All tables over these days", and what is older than is kept.
  PRIMARY KEY (database, at, relation)
);
