-- Plans that statements of watched databases were found to have, from samples of EXPLAIN. Only the control plane that leads writes here.
CREATE TABLE autopilot.database_plans (
  database text NOT NULL,
  query_id text NOT NULL,
  -- The same for plans that differ in nothing but estimates.
  fingerprint text NOT NULL,
  first_at timestamptz NOT NULL,
  -- Since when it was found without another in between.
  since_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  -- As it was estimated last.
  cost float8 NOT NULL,
  -- As GET /performance/database/plan answers them, without conditions.
  steps jsonb NOT NULL,
  -- "Plans of a statement", and "plans of all", of which there are some hundreds.
  PRIMARY KEY (database, query_id, fingerprint)
);
