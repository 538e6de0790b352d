import type { BenchDatabase, Pick } from './bench-database.ts';

/** A log of events by day in partitions, with sub-partitions by source for the last of them, read by device, kind and time. */
const make = (events: number, days: number): string => `
SELECT setseed(0.7);
CREATE FUNCTION pg_temp.r(n int, power float8 DEFAULT 1) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1 + floor(n * random() ^ power)::int';
CREATE TABLE devices (id int PRIMARY KEY, site_id int NOT NULL, model text NOT NULL, retired_at timestamptz);
CREATE TABLE sites (id int PRIMARY KEY, name text NOT NULL, region text NOT NULL);
CREATE TABLE alarms (id int PRIMARY KEY, device_id int NOT NULL REFERENCES devices, raised_at timestamptz NOT NULL, cleared_at timestamptz, level int NOT NULL);
CREATE TABLE events (id bigint NOT NULL, at timestamptz NOT NULL, device_id int NOT NULL, kind text NOT NULL, level smallint NOT NULL, payload jsonb,
  PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
${Array.from({ length: days }, (_, day) => {
  const sub = day === days - 1;
  const bounds = `FOR VALUES FROM (timestamptz '2026-01-01' + ${day} * interval '1 day') TO (timestamptz '2026-01-01' + ${day + 1} * interval '1 day')`;
  const hashed = [0, 1].map(
    (part) =>
      `CREATE TABLE events_${day}_${part} PARTITION OF events_${day} FOR VALUES WITH (MODULUS 2, REMAINDER ${part});`,
  );
  return `CREATE TABLE events_${day} PARTITION OF events ${bounds}${sub ? ' PARTITION BY HASH (id)' : ''};${sub ? hashed.join('\n') : ''}`;
}).join('\n')}
INSERT INTO sites SELECT i, 'Site ' || i, 'Region ' || 1 + i % 6 FROM generate_series(1, 200) i;
INSERT INTO devices SELECT i, pg_temp.r(200, 2), 'M' || pg_temp.r(20, 2), CASE WHEN i % 30 = 0 THEN timestamptz '2025-06-01' END FROM generate_series(1, 5000) i;
INSERT INTO alarms SELECT i, pg_temp.r(5000, 3), timestamptz '2025-01-01' + i * interval '5 minutes', CASE WHEN i % 100 > 0 THEN timestamptz '2025-01-01' + i * interval '6 minutes' END, pg_temp.r(5, 3) FROM generate_series(1, ${events / 10}) i;
INSERT INTO events SELECT i, timestamptz '2026-01-01' + i * (${days * 86_400} / ${events}.0 - 0.0001) * interval '1 second', pg_temp.r(5000, 3), 'kind' || pg_temp.r(40, 3), pg_temp.r(6, 4),
  CASE WHEN i % 5 = 0 THEN jsonb_build_object('code', pg_temp.r(500), 'ok', i % 2 = 0) END FROM generate_series(1, ${events - 1}) i;
CREATE INDEX events_device ON events (device_id, at);
CREATE INDEX events_kind ON events (kind, at);
CREATE INDEX events_severe ON events (at) WHERE level >= 5;
CREATE INDEX devices_site ON devices (site_id);
CREATE INDEX alarms_device ON alarms (device_id, raised_at);
CREATE INDEX alarms_open ON alarms (raised_at) WHERE cleared_at IS NULL;
`;

const size = (quick: boolean): { readonly events: number; readonly days: number } =>
  quick ? { events: 100_000, days: 8 } : { events: 2_000_000, days: 40 };

const questions = (days: number): readonly ((pick: Pick) => string)[] => {
  const device = (pick: Pick): number => pick.skewed(5_000, 3);
  const day = (pick: Pick): string => `timestamptz '2026-01-01' + interval '${pick.even(days) - 1} days'`;
  // A log names days as they are.
  const date = (pick: Pick): string => new Date(Date.UTC(2026, 0, pick.even(days))).toISOString().slice(0, 10);
  const after = (text: string): string => new Date(Date.parse(text) + 86_400_000).toISOString().slice(0, 10);
  return [
    (pick) => `SELECT * FROM events WHERE device_id = ${device(pick)} ORDER BY at DESC LIMIT 50`,
    (pick) => {
      const from = date(pick);
      return `SELECT * FROM events WHERE device_id = ${device(pick)} AND at >= '${from}' AND at < '${after(from)}' ORDER BY at`;
    },
    (pick) => {
      const from = date(pick);
      return `SELECT kind, count(*) FROM events WHERE at >= '${from}' AND at < '${after(from)}' GROUP BY kind`;
    },
    (pick) => {
      const from = date(pick);
      return `SELECT count(*) FROM events WHERE kind = 'kind${pick.skewed(40, 3)}' AND at >= '${from}' AND at < '${after(from)}'`;
    },
    (pick) => `SELECT id, at, device_id FROM events WHERE kind = 'kind${30 + pick.even(10)}' ORDER BY at DESC LIMIT 20`,
    (pick) =>
      `SELECT id, at, device_id, kind FROM events WHERE level >= 5 AND at >= ${day(pick)} ORDER BY at LIMIT 100`,
    (pick) =>
      `SELECT e.at, e.kind FROM events e JOIN devices d ON d.id = e.device_id WHERE d.site_id = ${pick.skewed(200, 2)} AND e.at >= '${date(pick)}' AND e.level >= 4`,
    (pick) => `SELECT * FROM devices WHERE site_id = ${pick.skewed(200, 2)} AND retired_at IS NULL`,
    (pick) => `SELECT * FROM alarms WHERE device_id = ${device(pick)} ORDER BY raised_at DESC LIMIT 10`,
    () =>
      `SELECT a.*, d.model FROM alarms a JOIN devices d ON d.id = a.device_id WHERE a.cleared_at IS NULL ORDER BY a.raised_at DESC LIMIT 50`,
    () =>
      `SELECT s.region, count(*) FROM alarms a JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id WHERE a.cleared_at IS NULL GROUP BY s.region`,
    (pick) => `SELECT max(at) FROM events WHERE device_id = ${device(pick)}`,
    (pick) => `SELECT count(*) FROM events WHERE payload @> '{"code": ${pick.even(500)}}' AND at >= '${date(pick)}'`,
    (pick) =>
      `INSERT INTO events (id, at, device_id, kind, level) VALUES (${1e9 + pick.even(1e9)}, '${date(pick)}', ${device(pick)}, 'kind1', 1)`,
  ];
};

export const eventLog: BenchDatabase = {
  name: 'event log, partitioned',
  make: async (client, quick) => {
    const { events, days } = size(quick);
    await client.query(make(events, days));
    await client.query('VACUUM ANALYZE');
  },
  questions: (quick) => questions(size(quick).days),
};
