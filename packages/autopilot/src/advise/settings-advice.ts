import type { DatabaseMachine, DatabaseServer, SettingAdvice } from '../contract/database.ts';
import type { ServerSetting, SettingsReading } from '../postgres/read-settings.ts';
import { countText, durationText, percentText, sizeText } from './finding.ts';

/** What settings are judged by. */
export interface SettingsEvidence {
  readonly reading: SettingsReading;
  readonly server: DatabaseServer;
  /** For how long the server has counted. */
  readonly observedMs: number;
  /** null: unknown; rules that need it are silent. */
  readonly machine: DatabaseMachine | null;
}

type Advise = (evidence: SettingsEvidence, value: (name: string) => number) => Advised | null;
type Advised = Omit<SettingAdvice, 'current' | 'needs' | 'sql'>;

const HOUR_MS = 3_600_000;
const MEBIBYTE = 1_048_576;

/**
 * Rules for OLTP after pgtune (le0pard/pgtune) and the manual's "Server Configuration", each silent without evidence: a
 * default that does no harm is left alone.
 */
const rules: readonly Advise[] = [
  ({ reading }) =>
    isOff(reading, 'fsync')
      ? {
          setting: 'fsync',
          advised: 'on',
          severity: 'critical',
          because: 'A crash of the machine can destroy the whole cluster.',
          effect: 'What was committed is still there after a power cut; commits wait for the disk.',
          evidence: { fsync: 'off' },
        }
      : null,
  ({ reading }) =>
    isOff(reading, 'full_page_writes')
      ? {
          setting: 'full_page_writes',
          advised: 'on',
          severity: 'critical',
          because: 'A page that a crash tore in half can not be mended.',
          effect: 'More WAL after each checkpoint, and pages that can be trusted.',
          evidence: { fullPageWrites: 'off' },
        }
      : null,
  ({ reading }) =>
    isOff(reading, 'autovacuum')
      ? {
          setting: 'autovacuum',
          advised: 'on',
          severity: 'critical',
          because: 'Nobody removes dead rows, and statistics grow old.',
          effect: 'Tables are vacuumed and analyzed as they change.',
          evidence: { autovacuum: 'off' },
        }
      : null,
  ({ machine, server }, value) => {
    const now = value('shared_buffers') * 8192;
    if (machine === null || server.cacheHitRatio === null || server.cacheHitRatio >= 0.99) return null;
    const advised = Math.min(machine.memoryBytes / 4, 16 * 1024 * MEBIBYTE);
    if (now >= advised * 0.8 || (server.sizeBytes ?? 0) < now * 2) return null;
    return {
      setting: 'shared_buffers',
      advised: megabytes(advised),
      severity: 'warning',
      because: `${percentText(1 - server.cacheHitRatio)} of pages were not found in it; the machine has ${sizeText(machine.memoryBytes)}, of which a quarter is the usual share.`,
      effect: 'Fewer pages are read from the system.',
      evidence: { cacheHitRatio: server.cacheHitRatio, sizeBytes: server.sizeBytes, memoryBytes: machine.memoryBytes },
    };
  },
  ({ machine }, value) => {
    const now = value('effective_cache_size') * 8192;
    if (machine === null || now >= machine.memoryBytes * 0.4) return null;
    return {
      setting: 'effective_cache_size',
      advised: megabytes(machine.memoryBytes * 0.7),
      severity: 'info',
      because: `The planner believes in ${sizeText(now)} of caches; the machine has ${sizeText(machine.memoryBytes)}.`,
      effect: 'Index scans look as cheap to the planner as they are. It takes no memory.',
      evidence: { memoryBytes: machine.memoryBytes },
    };
  },
  ({ server, observedMs }, value) => {
    const hours = observedMs / HOUR_MS;
    const perHour = server.tempFiles / Math.max(1, hours);
    if (server.tempFiles < 100 || perHour < 10) return null;
    const now = value('work_mem') * 1024;
    const needed = Math.min(256 * MEBIBYTE, Math.max(now * 2, (server.tempBytes / server.tempFiles) * 2));
    return {
      setting: 'work_mem',
      advised: megabytes(needed),
      severity: 'warning',
      because: `${countText(server.tempFiles)} sorts and hashes spilled to files of ${sizeText(server.tempBytes / server.tempFiles)} on average, ${countText(perHour)} an hour.`,
      effect: 'They stay in memory: each may take so much, in every connection. Setting it for one role is safer.',
      evidence: { tempFiles: server.tempFiles, tempBytes: server.tempBytes, tempFilesPerHour: perHour },
    };
  },
  ({ reading: { checkpoints } }, value) => {
    const all = checkpoints.timed + checkpoints.requested;
    if (all < 20 || checkpoints.requested / all < 0.3) return null;
    return {
      setting: 'max_wal_size',
      advised: megabytes(Math.max(value('max_wal_size') * 2, 2048) * MEBIBYTE),
      severity: 'warning',
      because: `${percentText(checkpoints.requested / all)} of ${countText(all)} checkpoints came early, because WAL had grown to the limit.`,
      effect: 'Checkpoints come by the clock; less is written twice. It takes disk, and recovery takes longer.',
      evidence: { checkpointsRequested: checkpoints.requested, checkpointsTimed: checkpoints.timed },
    };
  },
  (_, value) =>
    value('checkpoint_completion_target') < 0.9
      ? {
          setting: 'checkpoint_completion_target',
          advised: '0.9',
          severity: 'info',
          because: 'Each checkpoint writes all it has within half of the time there is (the default before 14).',
          effect: 'Writes are spread evenly.',
          evidence: { checkpointCompletionTarget: value('checkpoint_completion_target') },
        }
      : null,
  ({ reading: { readMsAPage } }, value) => {
    if (readMsAPage === null || readMsAPage > 0.5 || value('random_page_cost') <= 2) return null;
    return {
      setting: 'random_page_cost',
      advised: '1.1',
      severity: 'info',
      because: `A page that is not in memory is there in ${durationOf(readMsAPage)}: that is no spinning disk.`,
      effect: 'The planner uses indexes where it now reads whole tables.',
      evidence: { readMsAPage },
    };
  },
];

/** Advice on settings, the most urgent first. */
export function settingsAdvice(evidence: SettingsEvidence): readonly SettingAdvice[] {
  const { settings } = evidence.reading;
  const value = (name: string): number => Number(settings.get(name)?.value ?? Number.NaN);
  const rank = { critical: 0, warning: 1, info: 2 } as const;
  return rules
    .map((rule) => rule(evidence, value))
    .filter((advised) => advised !== null)
    .map((advised): SettingAdvice => {
      const setting = settings.get(advised.setting);
      const isRestart = setting?.context === 'postmaster';
      return {
        ...advised,
        current: shown(setting),
        needs: isRestart ? 'restart' : 'reload',
        sql: `ALTER SYSTEM SET ${advised.setting} = '${advised.advised}';${isRestart ? '' : ' SELECT pg_reload_conf();'}`,
      };
    })
    .sort((a, b) => rank[a.severity] - rank[b.severity]);
}

/** As SHOW tells it, more or less: with its unit. */
function shown(setting: ServerSetting | undefined): string {
  if (setting === undefined) return '';
  const { value, unit } = setting;
  const pages = /^(\d+)?kB$/.exec(unit ?? '');
  if (pages !== null) return megabytes(Number(value) * Number(pages[1] ?? 1) * 1024);
  return `${value}${unit ?? ''}`;
}

function megabytes(bytes: number): string {
  return bytes < MEBIBYTE ? `${Math.round(bytes / 1024)}kB` : `${Math.round(bytes / MEBIBYTE)}MB`;
}

function durationOf(ms: number): string {
  return ms < 1 ? `${Math.round(ms * 1000)} us` : durationText(ms);
}

function isOff({ settings }: SettingsReading, name: string): boolean {
  return settings.get(name)?.value === 'off';
}
