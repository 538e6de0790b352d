import type { ConfigFinding } from '../../contract/configuration.ts';
import type { ConnectionFacts } from '../../storage/ports.ts';
import type { Settings } from '../registry.ts';

/** What the running system says, where a rule needs it; null: it is not known now. */
export interface LiveFacts {
  /** Of the database server that the autopilot's own schema is in, which is the application's where no other is named. */
  readonly connections: ConnectionFacts | null;
  /** Memory of the machine that the database server runs on. */
  readonly machineBytes: number | null;
  /** Instances of the service that run now. */
  readonly instances: number;
  /** Pools that each of them has instrumented. */
  readonly pools: number;
}

interface Rule {
  /** The settings it is about: an error is one only for a change that touches any of them. */
  readonly keys: readonly string[];
  readonly severity: 'error' | 'warning';
  /** What is wrong; null: nothing. */
  readonly judge: (settings: Settings, facts: LiveFacts) => string | null;
}

/** Of what the server bears, this share may go to the pools without a word: other programs need connections too. */
const COMFORTABLE = 0.8;
/** Of the machine's memory, so much may go to work_mem without a word: the rest is for shared buffers and the system's cache. */
const COMFORTABLE_MEMORY = 0.5;
/** From here on a body takes dozens of packets, and compressing it pays with every coding (docs/guides/compression.md). */
const LARGE_BODY_BYTES = 65_536;
/** Under so many bytes a statement, texts run out before statements do. */
const TEXT_BYTES = 200;

/** What a setting by itself can't say. */
const rules: readonly Rule[] = [
  {
    keys: ['health.healthyFrom', 'health.degradedFrom'],
    severity: 'error',
    judge: ({ health: { healthyFrom, degradedFrom } }) =>
      degradedFrom < healthyFrom
        ? null
        : `degraded begins at ${degradedFrom}, which is not under healthy at ${healthyFrom}`,
  },
  {
    keys: ['health.p95Ms', 'health.p99Ms'],
    severity: 'error',
    judge: ({ health: { p95Ms, p99Ms } }) =>
      p95Ms <= p99Ms ? null : `the 95th percentile may take ${p95Ms} ms, which is more than the 99th with ${p99Ms} ms`,
  },
  {
    keys: ['monitoring.backlogFineWindows', 'monitoring.backlogKeptMs'],
    severity: 'error',
    judge: ({ monitoring: { backlogFineWindows, backlogKeptMs } }) =>
      backlogFineWindows * 1_000 <= backlogKeptMs
        ? null
        : `${backlogFineWindows} windows of a second are more than the ${backlogKeptMs} ms that are kept`,
  },
  {
    keys: ['database.poolMax'],
    severity: 'error',
    judge: (settings, facts) => connectionTrouble(settings, facts, 1),
  },
  {
    keys: ['database.poolMax'],
    severity: 'warning',
    judge: (settings, facts) =>
      connectionTrouble(settings, facts, 1) === null ? connectionTrouble(settings, facts, COMFORTABLE) : null,
  },
  {
    keys: ['database.poolMax'],
    severity: 'warning',
    judge: ({ database: { poolMax } }, { connections, machineBytes, instances, pools }) => {
      if (poolMax === null || connections === null || machineBytes === null) return null;
      const wanted = Math.min(connections.max, poolMax * Math.max(1, instances) * Math.max(1, pools));
      if (wanted * connections.workMemBytes <= machineBytes * COMFORTABLE_MEMORY) return null;
      return `${wanted} connections that sort at once take ${mib(wanted * connections.workMemBytes)} of the ${mib(machineBytes)} of the database's machine, as work_mem is ${mib(connections.workMemBytes)}`;
    },
  },
  {
    keys: ['database.poolWaitMs', 'overload.poolWaitMs'],
    severity: 'warning',
    judge: ({ database: { poolWaitMs }, overload }) =>
      poolWaitMs === null || poolWaitMs === 0 || overload.poolWaitMs < poolWaitMs || !overload.enabled
        ? null
        : `callers get an error after ${poolWaitMs} ms, before requests are turned away for a wait of ${overload.poolWaitMs} ms`,
  },
  {
    keys: ['security.headersTimeoutMs', 'security.requestTimeoutMs'],
    severity: 'error',
    judge: ({ security: { headersTimeoutMs, requestTimeoutMs } }) =>
      headersTimeoutMs === null || requestTimeoutMs === null || headersTimeoutMs <= requestTimeoutMs
        ? null
        : `the head of a request may take ${headersTimeoutMs} ms, which is more than the ${requestTimeoutMs} ms for all of it`,
  },
  {
    keys: ['compression.minBytes'],
    severity: 'warning',
    judge: ({ compression: { enabled, minBytes } }) =>
      !enabled || minBytes <= LARGE_BODY_BYTES
        ? null
        : `answers of up to ${minBytes} bytes go as they are, also those that every coding would make much smaller`,
  },
  {
    keys: ['database.poolWaitMs'],
    severity: 'warning',
    judge: ({ database: { poolWaitMs } }) =>
      poolWaitMs === 0 ? 'callers wait for a connection without end: requests pile up when the database is slow' : null,
  },
  {
    keys: ['monitoring.statementTextBytes', 'monitoring.maxStatements'],
    severity: 'warning',
    judge: ({ monitoring: { statementTextBytes, maxStatements } }) => {
      const each = Math.floor(statementTextBytes / maxStatements);
      return each >= TEXT_BYTES
        ? null
        : `there are ${each} bytes for the text of each statement, so fewer are told apart`;
    },
  },
  {
    keys: ['monitoring.requests'],
    severity: 'warning',
    judge: ({ monitoring }) =>
      monitoring.requests ? null : 'without requests there is no traffic, no latency and half of the health score',
  },
  {
    keys: ['optimization.stopped'],
    severity: 'warning',
    judge: ({ optimization }) => (optimization.stopped ? 'the autopilot changes nothing by itself' : null),
  },
];

/** What is wrong, and what is odd, with settings as they would be. */
export function judgeSettings(
  settings: Settings,
  facts: LiveFacts,
  changed: ReadonlySet<string>,
): { readonly errors: readonly ConfigFinding[]; readonly warnings: readonly ConfigFinding[] } {
  const errors: ConfigFinding[] = [];
  const warnings: ConfigFinding[] = [];
  for (const { keys, severity, judge } of rules) {
    const message = judge(settings, facts);
    if (message === null) continue;
    const touched = keys.some((key) => changed.has(key));
    const finding = { keys, message: `${keys.join(', ')}: ${message}.` };
    // What was wrong before does not stop a change of something else.
    if (severity === 'error' && touched) errors.push(finding);
    else if (severity === 'error' || touched) warnings.push(finding);
  }
  return { errors, warnings };
}

function connectionTrouble(
  { database }: Settings,
  { connections, instances, pools }: LiveFacts,
  share: number,
): string | null {
  if (database.poolMax === null || connections === null) return null;
  const processes = Math.max(1, instances);
  const wanted = database.poolMax * processes * Math.max(1, pools);
  const left = Math.floor((connections.max - connections.reserved) * share);
  if (wanted <= left) return null;
  return `${counted(processes, 'instance')} with ${counted(Math.max(1, pools), 'pool')} of ${database.poolMax} may open ${wanted} connections; the server takes ${connections.max}, of which ${connections.reserved} are reserved${share < 1 ? `, and over ${left} others run short` : ''}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`;
}
