-- Load tests that were started through the API, and what they found. Only control planes come here.
CREATE TABLE autopilot.load_tests (
  -- Counts up: the order of lists, and what their cursors name.
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  service text NOT NULL,
  name text NOT NULL,
  -- smoke, load, spike, soak or stress.
  kind text NOT NULL,
  -- The origin.
  target text NOT NULL,
  -- running, passed, missed, invalid, stopped, aborted or failed.
  state text NOT NULL,
  reason text,
  author text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  -- Until when the one who runs it need not be heard of. Later it is taken for dead, and its test with it.
  alive_until timestamptz NOT NULL,
  -- It was asked to stop, perhaps through another control plane.
  stopping boolean NOT NULL DEFAULT false,
  summary jsonb,
  -- As autopilot load run --json writes it; null while it runs.
  report jsonb
);
-- One at a time against a target, whoever starts it; also serves "does one run against this target?"
CREATE UNIQUE INDEX load_tests_running ON autopilot.load_tests (target) WHERE state = 'running';
-- "The tests of this service, newest first."
CREATE INDEX load_tests_service ON autopilot.load_tests (service, number);
