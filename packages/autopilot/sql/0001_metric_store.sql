-- The store of metric history (docs/guides/storage.md, docs/decisions/metric-storage.md).
--
-- Rules for every migration of this schema, so that agents and control planes of two releases work side by side:
-- only additions. No column, table or function is dropped, renamed or given another type; a new column is nullable or
-- has a default; a function that agents call keeps its name, arguments and answer for ever: what must change gets a
-- new name (append_windows_v2) beside the old one. Tables are altered in the order in which agents touch them, so that
-- neither waits for the other in a circle: scopes, series, windows, unfolded_windows, window_blocks, then the rest.
--
-- Words: a scope is one instance of one release of a service, or (instance null) the service as a whole. A series is
-- one route, tenant, statement, pool or process. Both are numbered by 53 bits made of their names, so
-- that an agent knows the number of what it measured without asking, and needs no right to read anything.
-- Families: 0 the windows themselves, 1 route, 2 tenant, 3 statement, 4 route-statement, 5 pool, 6 runtime.
-- Times are milliseconds since 1970 in UTC. `cells` holds what was measured, in the format of storage/postgres/pack.ts.

CREATE TABLE autopilot.scopes (
  scope_id bigint PRIMARY KEY,
  service text NOT NULL,
  instance text,
  release text,
  -- Of what was merged into minutes; null: nothing was yet.
  first_start_ms bigint,
  last_end_ms bigint,
  -- Hours before this are closed: their minutes are chunks, and merged into hours. Null: none is.
  minutes_until_ms bigint,
  -- Days before this are closed: their hours are chunks, and merged into days. Null: none is.
  hours_until_ms bigint,
  -- Windows whose facts were gone before they could be merged, because somebody removed a partition.
  lost_windows bigint NOT NULL DEFAULT 0
);
-- "Which instances has this service?": the start of every read.
CREATE INDEX scopes_service ON autopilot.scopes (service);

CREATE TABLE autopilot.series (
  series_id bigint PRIMARY KEY,
  service text NOT NULL,
  family smallint NOT NULL,
  key text NOT NULL,
  database text,
  route text,
  -- All keys of the family and database together.
  is_total boolean NOT NULL DEFAULT false,
  -- The last day (since 1970) on which compaction saw it. Older than all history: the name is removed.
  seen_day integer NOT NULL DEFAULT floor(extract(epoch FROM now()) / 86400)
);
-- "Which series has this route, or this statement in every database?"
CREATE INDEX series_key ON autopilot.series (service, family, key);

-- What agents wrote, 10 s each as a rule. Kept for two hours, a partition an hour; the default partition takes what
-- comes when there is none (late, or while no control plane made them), until compaction has moved or merged it.
CREATE TABLE autopilot.windows (
  scope_id bigint NOT NULL,
  start_ms bigint NOT NULL,
  duration_ms integer NOT NULL,
  -- By family: observations that the agent's bounds moved into "(other)"; null: none.
  overflow jsonb,
  -- The idempotent key: a window that comes again is known by it. Also serves "windows of these scopes in this range".
  PRIMARY KEY (scope_id, start_ms, duration_ms)
) PARTITION BY RANGE (start_ms);

-- The series of a window, at most 64 of one family a row.
CREATE TABLE autopilot.window_blocks (
  scope_id bigint NOT NULL,
  start_ms bigint NOT NULL,
  duration_ms integer NOT NULL,
  family smallint NOT NULL,
  first_series bigint NOT NULL,
  last_series bigint NOT NULL,
  cells bytea NOT NULL
) PARTITION BY RANGE (start_ms);
ALTER TABLE autopilot.window_blocks ALTER COLUMN cells SET STORAGE EXTERNAL;
-- "All blocks of these windows" (compaction), and "this family of these scopes in this range" (reads of 10 s).
CREATE INDEX window_blocks_window ON autopilot.window_blocks (scope_id, start_ms, family);

CREATE TABLE autopilot.windows_default PARTITION OF autopilot.windows DEFAULT;
CREATE TABLE autopilot.window_blocks_default PARTITION OF autopilot.window_blocks DEFAULT;

-- Windows that are not merged into minutes yet. A queue: small, and emptied by compaction in the transaction that merges,
-- so that every window is merged once, whenever it came and whatever died in between.
CREATE TABLE autopilot.unfolded_windows (
  scope_id bigint NOT NULL,
  start_ms bigint NOT NULL,
  duration_ms integer NOT NULL,
  -- Serves "what of this service is not merged yet?".
  PRIMARY KEY (scope_id, start_ms, duration_ms)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- The keys of windows whose partition is gone, so that they are known when they come once more.
CREATE TABLE autopilot.window_ledger (
  scope_id bigint NOT NULL,
  hour_ms bigint NOT NULL,
  -- Starts and lengths, run-length encoded (storage/postgres/window-ledger.ts).
  keys bytea NOT NULL,
  -- Serves "was this window merged before?".
  PRIMARY KEY (scope_id, hour_ms)
);
-- "Which are older than what is still accepted?"
CREATE INDEX window_ledger_hour ON autopilot.window_ledger (hour_ms);

-- Minutes of hours that are not closed: a row for at most 64 series of a family. Partition: an hour.
-- Here and below several rows may speak of the same series and time (a late window is a row of its own): they add up.
CREATE TABLE autopilot.minute_blocks (
  scope_id bigint NOT NULL,
  start_ms bigint NOT NULL,
  family smallint NOT NULL,
  first_series bigint NOT NULL,
  last_series bigint NOT NULL,
  cells bytea NOT NULL
) PARTITION BY RANGE (start_ms);
ALTER TABLE autopilot.minute_blocks ALTER COLUMN cells SET STORAGE EXTERNAL;
-- "This family of these scopes in this range": reads of the open hour, and closing it.
CREATE INDEX minute_blocks_scope ON autopilot.minute_blocks (scope_id, family, start_ms);

-- Minutes of closed hours: one row a series and hour. Kept 8 days, a partition a day.
CREATE TABLE autopilot.minute_chunks (
  scope_id bigint NOT NULL,
  start_ms bigint NOT NULL,
  family smallint NOT NULL,
  series_id bigint NOT NULL,
  cells bytea NOT NULL
) PARTITION BY RANGE (start_ms);
ALTER TABLE autopilot.minute_chunks ALTER COLUMN cells SET STORAGE EXTERNAL;
-- "This series (or all of this family) of these scopes in this range, by the minute".
CREATE INDEX minute_chunks_series ON autopilot.minute_chunks (scope_id, family, series_id, start_ms);

-- Hours of days that are not closed. Partition: a day.
CREATE TABLE autopilot.hour_blocks (
  scope_id bigint NOT NULL,
  start_ms bigint NOT NULL,
  family smallint NOT NULL,
  first_series bigint NOT NULL,
  last_series bigint NOT NULL,
  cells bytea NOT NULL
) PARTITION BY RANGE (start_ms);
ALTER TABLE autopilot.hour_blocks ALTER COLUMN cells SET STORAGE EXTERNAL;
-- "This family of these scopes in this range": reads of the open day, and closing it.
CREATE INDEX hour_blocks_scope ON autopilot.hour_blocks (scope_id, family, start_ms);

-- Hours of closed days: one row a series and day. Kept 100 days, a partition for ten.
CREATE TABLE autopilot.hour_chunks (
  scope_id bigint NOT NULL,
  start_ms bigint NOT NULL,
  family smallint NOT NULL,
  series_id bigint NOT NULL,
  cells bytea NOT NULL
) PARTITION BY RANGE (start_ms);
ALTER TABLE autopilot.hour_chunks ALTER COLUMN cells SET STORAGE EXTERNAL;
-- "This series (or all of this family) of these scopes in this range, by the hour".
CREATE INDEX hour_chunks_series ON autopilot.hour_chunks (scope_id, family, series_id, start_ms);

-- Closed days: a row for at most 16 series of a family. Kept two years, a partition for a hundred days.
CREATE TABLE autopilot.day_blocks (
  scope_id bigint NOT NULL,
  start_ms bigint NOT NULL,
  family smallint NOT NULL,
  first_series bigint NOT NULL,
  last_series bigint NOT NULL,
  cells bytea NOT NULL
) PARTITION BY RANGE (start_ms);
ALTER TABLE autopilot.day_blocks ALTER COLUMN cells SET STORAGE EXTERNAL;
-- "This family of these scopes in this range, by the day".
CREATE INDEX day_blocks_scope ON autopilot.day_blocks (scope_id, family, start_ms);

-- All that an agent may do: hand in the windows of one instance, each taken once, in one transaction.
--
-- SECURITY DEFINER, so that the agent's role needs EXECUTE on this function and USAGE on the schema, and no right on any
-- table: ON CONFLICT with RETURNING would need SELECT on the keys, and routing to partitions INSERT on the parent.
-- It reads nothing back but counts. Arrays of one kind have one length; blocks name their window by its position from 1,
-- and their cells lie one after the other in block_cells. Callers send windows and series in a fixed order, so that two of
-- them waiting for each other's keys can't deadlock.
CREATE FUNCTION autopilot.append_windows_v1(
  scope bigint, service text, instance text, release text,
  series_ids bigint[], series_families smallint[], series_keys text[], series_databases text[], series_routes text[],
  series_totals boolean[],
  -- What is accepted: starts from oldest_ms to newest_ms. Null: seven days back and a minute ahead of the server's clock.
  oldest_ms bigint, newest_ms bigint,
  window_starts bigint[], window_durations integer[], window_overflows jsonb[],
  block_windows integer[], block_families smallint[], block_firsts bigint[], block_lasts bigint[], block_lengths integer[],
  block_cells bytea,
  OUT taken integer, OUT duplicates integer, OUT too_old integer, OUT ahead integer, OUT server_ms bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  oldest bigint;
  newest bigint;
BEGIN
  server_ms := floor(extract(epoch FROM clock_timestamp()) * 1000);
  oldest := coalesce(append_windows_v1.oldest_ms, server_ms - 604800000);
  newest := coalesce(append_windows_v1.newest_ms, server_ms + 60000);

  INSERT INTO autopilot.scopes (scope_id, service, instance, release)
  VALUES (append_windows_v1.scope, append_windows_v1.service, append_windows_v1.instance, append_windows_v1.release)
  ON CONFLICT DO NOTHING;

  IF cardinality(series_ids) > 0 THEN
    INSERT INTO autopilot.series (series_id, service, family, key, database, route, is_total)
    SELECT s.id, append_windows_v1.service, s.family, s.key, s.database, s.route, s.is_total
    FROM unnest(series_ids, series_families, series_keys, series_databases, series_routes, series_totals)
      AS s(id, family, key, database, route, is_total)
    ORDER BY s.id
    ON CONFLICT DO NOTHING;
  END IF;

  WITH offered AS (
    SELECT w.number, w.start_ms, w.duration_ms, w.overflow
    FROM unnest(window_starts, window_durations, window_overflows)
      WITH ORDINALITY AS w(start_ms, duration_ms, overflow, number)
  ), inserted AS (
    INSERT INTO autopilot.windows AS new (scope_id, start_ms, duration_ms, overflow)
    SELECT append_windows_v1.scope, o.start_ms, o.duration_ms, o.overflow
    FROM offered o
    WHERE o.start_ms BETWEEN oldest AND newest
    ORDER BY o.start_ms, o.duration_ms
    ON CONFLICT DO NOTHING
    RETURNING new.start_ms, new.duration_ms
  ), queued AS (
    INSERT INTO autopilot.unfolded_windows (scope_id, start_ms, duration_ms)
    SELECT append_windows_v1.scope, i.start_ms, i.duration_ms FROM inserted i
    ON CONFLICT DO NOTHING
  ), blocks AS (
    SELECT b.*, sum(b.length) OVER (ORDER BY b.number) - b.length AS before
    FROM unnest(block_windows, block_families, block_firsts, block_lasts, block_lengths)
      WITH ORDINALITY AS b(window_number, family, first_series, last_series, length, number)
  ), stored AS (
    INSERT INTO autopilot.window_blocks
      (scope_id, start_ms, duration_ms, family, first_series, last_series, cells)
    SELECT append_windows_v1.scope, i.start_ms, i.duration_ms, b.family, b.first_series, b.last_series,
      substring(block_cells FROM b.before::integer + 1 FOR b.length)
    FROM blocks b
    JOIN offered o ON o.number = b.window_number
    JOIN inserted i ON i.start_ms = o.start_ms AND i.duration_ms = o.duration_ms
  )
  SELECT
    (SELECT count(*) FROM inserted),
    (SELECT count(*) FROM offered o WHERE o.start_ms < oldest),
    (SELECT count(*) FROM offered o WHERE o.start_ms > newest)
  INTO taken, too_old, ahead;
  duplicates := cardinality(window_starts) - taken - too_old - ahead;
END
$$;
REVOKE ALL ON FUNCTION autopilot.append_windows_v1 FROM PUBLIC;
