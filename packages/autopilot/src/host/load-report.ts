import { totalmem } from 'node:os';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { Clock } from '../kernel/clock.ts';

/** As which text a balancer reads a report. */
export type LoadReportFormat = 'TEXT' | 'JSON';

/** A figure is good for this long; balancers average over seconds. */
const MAX_AGE_MS = 1_000;

/**
 * How busy this process is, as the Open Request Cost Aggregation report that Envoy, gRPC and others balance by
 * (github.com/cncf/xds, xds/data/orca/v3/orca_load_report.proto), in its text forms. It is made when somebody asks for
 * it, at most once a second.
 */
export class LoadReport {
  readonly #clock: Clock;
  readonly #memoryBytes: number;
  #requests = 0;
  #errors = 0;
  #madeAtMs: number;
  #utilization: EventLoopUtilization;
  #cpu: NodeJS.CpuUsage;
  #values: Readonly<Record<string, number>> = {};
  #texts: Partial<Record<LoadReportFormat, string>> = {};

  constructor(clock: Clock) {
    this.#clock = clock;
    const limit = process.constrainedMemory();
    // Without a limit Node answers 0, or a number beyond any machine.
    this.#memoryBytes = limit > 0 && limit < totalmem() ? limit : totalmem();
    this.#madeAtMs = clock.monotonicMs();
    this.#utilization = performance.eventLoopUtilization();
    this.#cpu = process.cpuUsage();
  }

  /** A request has been answered. */
  count(status: number): void {
    this.#requests++;
    if (status >= 500) this.#errors++;
  }

  /** The value of the header `endpoint-load-metrics`. */
  header(format: LoadReportFormat): string {
    this.#renew();
    return (this.#texts[format] ??= write(format, this.#values));
  }

  #renew(): void {
    const atMs = this.#clock.monotonicMs();
    const elapsedMs = atMs - this.#madeAtMs;
    if (elapsedMs < MAX_AGE_MS && Object.keys(this.#values).length > 0) return;
    const utilization = performance.eventLoopUtilization();
    const cpu = process.cpuUsage();
    const seconds = Math.max(elapsedMs, 1) / 1_000;
    const cpuSeconds = (cpu.user - this.#cpu.user + cpu.system - this.#cpu.system) / 1e6;
    const busy = performance.eventLoopUtilization(utilization, this.#utilization).utilization;
    this.#values = {
      // Of one core: JavaScript can't use more, and a balancer is to send elsewhere when that one is full.
      cpu_utilization: cpuSeconds / seconds,
      mem_utilization: process.memoryUsage.rss() / this.#memoryBytes,
      // What gives out first in a Node process, and what Envoy weighs by when it is there.
      application_utilization: busy,
      rps_fractional: this.#requests / seconds,
      eps: this.#errors / seconds,
    };
    this.#texts = {};
    this.#madeAtMs = atMs;
    this.#utilization = utilization;
    this.#cpu = cpu;
    this.#requests = 0;
    this.#errors = 0;
  }
}

function write(format: LoadReportFormat, values: Readonly<Record<string, number>>): string {
  const entries = Object.entries(values).map(([name, value]) => [name, Number(value.toFixed(4))] as const);
  return format === 'JSON'
    ? `JSON ${JSON.stringify(Object.fromEntries(entries))}`
    : `TEXT ${entries.map(([name, value]) => `${name}=${value}`).join(', ')}`;
}
