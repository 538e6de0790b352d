import { cpus } from 'node:os';

/** What the machine's cores have done so far. */
export interface MachineUse {
  readonly busyMs: number;
  readonly totalMs: number;
  /** Of it, this process. */
  readonly ownMs: number;
}

/** Reads the counters of all cores. */
export function machineUse(): MachineUse {
  let busyMs = 0;
  let totalMs = 0;
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    busyMs += busy;
    totalMs += busy + times.idle;
  }
  const { user, system } = process.cpuUsage();
  return { busyMs, totalMs, ownMs: (user + system) / 1000 };
}

/** The share of the machine that others have taken in between, 0 to 1. */
export function othersBusyRatio(from: MachineUse, to: MachineUse): number {
  const total = to.totalMs - from.totalMs;
  if (total <= 0) return 0;
  const others = to.busyMs - from.busyMs - (to.ownMs - from.ownMs);
  return Math.min(1, Math.max(0, others / total));
}
