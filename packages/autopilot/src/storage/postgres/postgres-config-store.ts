import pg from 'pg';
import type {
  ConfigCause,
  ConfigContent,
  ConfigPreset,
  ConfigVersion,
  ConfigVersionHead,
  SettingValue,
  SettingValues,
} from '../../contract/configuration.ts';
import { staleVersion, tooManyPresets } from '../config-refusals.ts';
import {
  CONFIG_VERSIONS_KEPT,
  type ConfigDraft,
  type ConfigStep,
  type ConfigStore,
  type ConnectionFacts,
  MAX_PRESETS,
} from '../ports.ts';
import { ConfigListener } from './config-listener.ts';
import { StoreConnection } from './store-connection.ts';

interface HeadRow {
  readonly service: string;
  readonly version: number;
  readonly at: Date;
  readonly author: string;
  readonly note: string;
  readonly cause: ConfigCause;
  readonly restored: number | null;
  readonly trial: string;
  readonly hash: string;
}

interface VersionRow extends HeadRow {
  readonly content: ConfigContent;
}

/** Of one setting: what each layer sets it to; null: nothing. A setting is never set to null, which takes it back. */
interface SetOf {
  readonly preset: SettingValue;
  readonly fleet: SettingValue;
  readonly instances: Readonly<Record<string, SettingValue>> | null;
}

interface StepRow extends HeadRow {
  readonly set: SetOf;
  readonly was: SetOf | null;
}

const HEAD = 'service, version, at, author, note, cause, restored, trial, hash';

/** Versions of configurations in PostgreSQL, schema `autopilot` (sql/0004_configuration.sql). Methods throw as storeError says. */
export class PostgresConfigStore implements ConfigStore {
  readonly durable = true;
  readonly #connection: StoreConnection;
  readonly #listener: ConfigListener;

  /** @param connectionString `postgres://...` */
  constructor(connectionString: string) {
    // One statement at a time is plenty, and a change must not wait for the history being read.
    this.#connection = new StoreConnection((settings) => new pg.Pool({ ...settings, connectionString }), {
      maxConnections: 2,
      statementTimeoutMs: 5_000,
    });
    this.#listener = new ConfigListener(connectionString);
  }

  async latest(service: string): Promise<ConfigVersion | null> {
    const [row] = await this.#connection.query<VersionRow>(
      'Reading the newest configuration',
      `SELECT ${HEAD}, content FROM autopilot.config_versions WHERE service = $1 ORDER BY version DESC LIMIT 1`,
      [service],
    );
    return row === undefined ? null : versionOf(row);
  }

  async latestVersions(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#connection.query<{ service: string; version: number }>(
      'Looking for new versions of the configuration',
      'SELECT service, max(version) AS version FROM autopilot.config_versions GROUP BY service',
    );
    return new Map(rows.map(({ service, version }) => [service, version]));
  }

  async read(service: string, version: number): Promise<ConfigVersion | null> {
    const [row] = await this.#connection.query<VersionRow>(
      'Reading a version of the configuration',
      `SELECT ${HEAD}, content FROM autopilot.config_versions WHERE service = $1 AND version = $2`,
      [service, version],
    );
    return row === undefined ? null : versionOf(row);
  }

  async list(service: string, before: number | null, limit: number): Promise<readonly ConfigVersionHead[]> {
    const rows = await this.#connection.query<HeadRow>(
      'Listing the versions of the configuration',
      `SELECT ${HEAD} FROM autopilot.config_versions
       WHERE service = $1 AND ($2::integer IS NULL OR version < $2) ORDER BY version DESC LIMIT $3`,
      [service, before, limit],
    );
    return rows.map(headOf);
  }

  async history(service: string, key: string, limit: number): Promise<readonly ConfigStep[]> {
    const rows = await this.#connection.query<StepRow>(
      'Reading what became of a setting',
      `SELECT * FROM (
         SELECT ${HEAD}, set, lag(version) OVER older AS previous, lag(set) OVER older AS was
         FROM (
           SELECT ${HEAD}, jsonb_build_object(
             'preset', content #> ARRAY['preset', 'values', $2],
             'fleet', content #> ARRAY['fleet', $2],
             'instances', (SELECT jsonb_object_agg(name, own -> $2)
                           FROM jsonb_each(content -> 'instances') AS one (name, own) WHERE own ? $2)) AS set
           FROM autopilot.config_versions WHERE service = $1
         ) AS versions
         WINDOW older AS (ORDER BY version)
       ) AS steps
       WHERE (previous = version - 1 AND set <> was)
          OR (version = 1 AND jsonb_strip_nulls(set) <> '{}')
       ORDER BY version DESC LIMIT $3`,
      [service, key, limit],
    );
    return rows.map((row) => ({ head: headOf(row), before: contentOf(row.was, key), after: contentOf(row.set, key) }));
  }

  async append(service: string, ifVersion: number, draft: ConfigDraft): Promise<ConfigVersion> {
    const { author, note, cause, restored, trial, hash, content } = draft;
    // One statement, so that no kill leaves half of it; of two at once the primary key lets one through.
    const [row] = await this.#connection.query<{ at: Date }>(
      'Writing a version of the configuration',
      `WITH made AS (
         INSERT INTO autopilot.config_versions (service, version, author, note, cause, restored, trial, hash, content)
         SELECT $1, $2 + 1, $3, $4, $5, $6, $7, $8, $9
         WHERE $2 = (SELECT coalesce(max(version), 0) FROM autopilot.config_versions WHERE service = $1)
         ON CONFLICT DO NOTHING
         RETURNING at
       )
       SELECT at, pg_notify('autopilot_config', $1) FROM made`,
      [service, ifVersion, author, note, cause, restored, trial, hash, JSON.stringify(content)],
    );
    if (row === undefined) throw staleVersion(service, ifVersion, await this.#newest(service));
    await this.#prune(service, ifVersion + 1);
    return { ...draft, service, version: ifVersion + 1, at: row.at.toISOString() };
  }

  async madeBy(service: string, trial: string): Promise<ConfigVersionHead | null> {
    const [row] = await this.#connection.query<HeadRow>(
      'Looking for what an order has made',
      `SELECT ${HEAD} FROM autopilot.config_versions WHERE service = $1 AND trial = $2`,
      [service, trial],
    );
    return row === undefined ? null : headOf(row);
  }

  async presets(service: string): Promise<readonly ConfigPreset[]> {
    const rows = await this.#connection.query<{ preset: ConfigPreset }>(
      'Reading presets',
      'SELECT preset FROM autopilot.config_presets WHERE service = $1 ORDER BY name',
      [service],
    );
    return rows.map(({ preset }) => preset);
  }

  async putPreset(service: string, preset: ConfigPreset): Promise<void> {
    const rows = await this.#connection.query(
      'Keeping a preset',
      `INSERT INTO autopilot.config_presets (service, name, preset)
       SELECT $1, $2, $3
       WHERE (SELECT count(*) FROM autopilot.config_presets WHERE service = $1 AND name <> $2) < $4
       ON CONFLICT (service, name) DO UPDATE SET preset = excluded.preset
       RETURNING name`,
      [service, preset.name, JSON.stringify(preset), MAX_PRESETS],
    );
    if (rows.length === 0) throw tooManyPresets(service);
  }

  async removePreset(service: string, name: string): Promise<boolean> {
    const rows = await this.#connection.query(
      'Removing a preset',
      'DELETE FROM autopilot.config_presets WHERE service = $1 AND name = $2 RETURNING name',
      [service, name],
    );
    return rows.length > 0;
  }

  async connectionLimits(): Promise<ConnectionFacts | null> {
    const [row] = await this.#connection.query<ConnectionFacts>(
      'Asking how many connections the server takes',
      // Over a Unix socket there are no addresses.
      `SELECT current_setting('max_connections')::integer AS max,
              current_setting('superuser_reserved_connections')::integer AS reserved,
              pg_size_bytes(current_setting('work_mem'))::float8 AS "workMemBytes",
              inet_server_addr() IS NOT DISTINCT FROM inet_client_addr() AS "isOnThisMachine"`,
    );
    return row ?? null;
  }

  watch(changed: () => void): Disposable {
    return this.#listener.watch(changed);
  }

  async close(): Promise<void> {
    await this.#listener.close();
    await this.#connection.close();
  }

  async #newest(service: string): Promise<number> {
    const [row] = await this.#connection.query<{ version: number | null }>(
      'Reading the newest version of the configuration',
      'SELECT max(version) AS version FROM autopilot.config_versions WHERE service = $1',
      [service],
    );
    return row?.version ?? 0;
  }

  /** The change is made: what is left of an old one may wait for the next. */
  async #prune(service: string, newest: number): Promise<void> {
    if (newest <= CONFIG_VERSIONS_KEPT) return;
    await this.#connection
      .query(
        'Dropping old versions of the configuration',
        `DELETE FROM autopilot.config_versions v WHERE service = $1 AND version <= $2 AND cause <> 'trial'
         AND NOT EXISTS (
           SELECT FROM autopilot.trials t
           WHERE t.service = v.service AND t.kind = 'configuration' AND t.origin = 'autopilot'
             AND t.undo ->> 'version' = v.version::text)`,
        [service, newest - CONFIG_VERSIONS_KEPT],
      )
      .catch(() => {});
  }
}

function headOf({ service, version, at, author, note, cause, restored, trial, hash }: HeadRow): ConfigVersionHead {
  return { service, version, at: at.toISOString(), author, note, cause, restored, trial, hash };
}

function contentOf(set: SetOf | null, key: string): ConfigContent {
  const only = (value: SettingValue): SettingValues => (value === null ? {} : { [key]: value });
  const { preset = null, fleet = null, instances = null } = set ?? {};
  return {
    preset: preset === null ? null : { name: '', values: only(preset) },
    fleet: only(fleet),
    instances: Object.fromEntries(Object.entries(instances ?? {}).map(([name, value]) => [name, only(value)])),
  };
}

function versionOf(row: VersionRow): ConfigVersion {
  return { ...headOf(row), content: row.content };
}
