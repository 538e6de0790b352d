-- The latest index advice of each watched database, so that it is still there when another control plane begins.
CREATE TABLE autopilot.index_advice (
  -- The name of the watched database.
  database text PRIMARY KEY,
  ended_at timestamptz NOT NULL,
  -- As GET /performance/database/indexes/advice answers it.
  run jsonb NOT NULL
);
