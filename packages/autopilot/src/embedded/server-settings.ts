import { statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { AutopilotError } from '../kernel/errors.ts';

/** What the sizes of a server depend on. */
export interface MachineFacts {
  /** What this process may use: the machine's memory or the container's limit, whichever is less. */
  readonly memoryBytes: number;
  readonly cores: number;
  /** The size of the file system the data directory is on. */
  readonly diskBytes: number;
  /** The size of /dev/shm; null where there is none. Containers often get 64 MB. */
  readonly sharedMemoryBytes: number | null;
}

/** PostgreSQL's names to values as a configuration file has them. */
export type ServerSettings = Readonly<Record<string, string>>;

const mebibyte = 1_048_576;

/** Reads the machine, with the limits of the container it may be in. */
export function machineFacts(dataDirectory: string): MachineFacts {
  // Without a limit constrainedMemory() answers 0 or an absurd number, depending on the kind of control group.
  const limit = process.constrainedMemory();
  const total = totalmem();
  return {
    memoryBytes: limit > 0 && limit < total ? limit : total,
    cores: availableParallelism(),
    diskBytes: fileSystemBytes(dataDirectory) ?? 0,
    sharedMemoryBytes: fileSystemBytes('/dev/shm'),
  };
}

/**
 * Settings for a server that shares the machine with the application it serves.
 *
 * - `shared_buffers` is a quarter of the memory (PostgreSQL manual, 19.4.1), at most 1 GB: beyond that the operating
 *   system's cache serves as well, and the application needs the memory too.
 * - `effective_cache_size` is half of the memory: what the planner may expect to be cached by both.
 * - `work_mem` is what is left if every connection sorts at once: a quarter of the memory over all connections, 4 to 64 MB.
 * - `max_wal_size` is a fiftieth of the disk, 256 MB to 4 GB: fewer checkpoints while loading, without filling a small disk.
 * - `random_page_cost` 1.1: nobody puts an embedded server on rotating disks.
 */
export function sizedSettings(facts: MachineFacts, durable: boolean): ServerSettings {
  const memory = facts.memoryBytes;
  const maxConnections = memory >= 2_048 * mebibyte ? 100 : 50;
  const halfTheCores = Math.max(1, Math.floor(facts.cores / 2));
  const smallSharedMemory = facts.sharedMemoryBytes !== null && facts.sharedMemoryBytes < 256 * mebibyte;
  return {
    max_connections: String(maxConnections),
    shared_buffers: megabytes(memory / 4, 16, 1_024),
    effective_cache_size: megabytes(memory / 2, 64, Number.MAX_SAFE_INTEGER),
    work_mem: megabytes(memory / 4 / maxConnections, 4, 64),
    maintenance_work_mem: megabytes(memory / 16, 16, 512),
    max_wal_size: megabytes(facts.diskBytes / 50, 256, 4_096),
    max_worker_processes: String(Math.max(8, facts.cores)),
    max_parallel_workers: String(Math.max(2, facts.cores)),
    max_parallel_workers_per_gather: String(Math.min(2, halfTheCores)),
    max_parallel_maintenance_workers: String(Math.min(4, halfTheCores)),
    random_page_cost: '1.1',
    // Parallel queries share memory through /dev/shm, and fail where a container gives it 64 MB: use files instead.
    ...(smallSharedMemory ? { dynamic_shared_memory_type: 'mmap' } : {}),
    shared_preload_libraries: 'pg_stat_statements,auto_explain',
    'pg_stat_statements.max': '10000',
    // Loaded, so that it can be switched on while the server runs; logging plans is somebody's decision.
    'auto_explain.log_min_duration': '-1',
    track_io_timing: 'on',
    track_activity_query_size: '4096',
    cluster_name: 'teamflow-autopilot',
    log_line_prefix: '%m [%p] %q%u@%d %a ',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
}

// These decide who can reach the server and where its files and its log are: not a matter of tuning.
const reserved = new Set([
  'config_file',
  'data_directory',
  'external_pid_file',
  'hba_file',
  'ident_file',
  'listen_addresses',
  'log_destination',
  'logging_collector',
  'port',
  'unix_socket_directories',
  'unix_socket_group',
  'unix_socket_permissions',
]);

/** The text of a configuration file; later settings win. Throws AP_EMBEDDED_SETTING for a name or value it can't hold. */
export function renderSettings(...layers: readonly ServerSettings[]): string {
  const merged = new Map<string, string>();
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer)) merged.set(checkedName(name), checkedValue(name, value));
  }
  return [
    '# Written by TeamFlow Autopilot before every start, sized for the machine: changes here are lost.',
    '# ALTER SYSTEM, and lines after the include in postgresql.conf, win over this file.',
    ...[...merged].map(([name, value]) => `${name} = ${value}`),
    '',
  ].join('\n');
}

function checkedName(name: string): string {
  const lower = name.toLowerCase();
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(lower)) {
    throw settingError(`"${name}" is not the name of a PostgreSQL setting`);
  }
  if (reserved.has(lower))
    throw settingError(`The setting ${lower} belongs to the embedded server and can't be changed`);
  return lower;
}

function checkedValue(name: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\0-\x1f]/.test(value)) throw settingError(`The value of the setting ${name} holds a control character`);
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function settingError(message: string): AutopilotError {
  return new AutopilotError('AP_EMBEDDED_SETTING', message, { remedy: 'Correct or remove it from `settings`.' });
}

function megabytes(bytes: number, least: number, most: number): string {
  return `${Math.min(most, Math.max(least, Math.floor(bytes / mebibyte)))}MB`;
}

function fileSystemBytes(path: string): number | null {
  try {
    const { blocks, bsize } = statfsSync(path);
    return blocks * bsize;
  } catch {
    return null;
  }
}
