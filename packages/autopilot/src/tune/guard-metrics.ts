import type { TrialGuard } from '../contract/tuning.ts';

/** How a service as a whole did over a stretch of time. What nobody told is null. */
export interface ServiceVitals {
  readonly durationMs: number;
  readonly requests: number;
  readonly errorRatio: number | null;
  readonly p99Ms: number | null;
  /** Requests under way, on average. */
  readonly active: number | null;
  /** Cores kept busy, of all processes. */
  readonly cpuBusy: number | null;
  readonly rssBytes: number | null;
  /** That were heard of. */
  readonly processes: number;
  /** The routes most asked for, by name. */
  readonly routes: Readonly<Record<string, RouteVitals>>;
}

/** How one route did. */
export interface RouteVitals {
  readonly requests: number;
  readonly errorRatio: number | null;
  readonly meanMs: number | null;
  readonly p99Ms: number | null;
}

/** A stretch is at least this long: two seconds in a row that are slow are often the same accident. */
export const LEAST_LOOK_MS = 4_000;
/** Of fewer requests the slowest hundredth is the slowest one. They are waited for, but not longer than this. */
const ENOUGH_REQUESTS = 100;
const LONGEST_LOOK_MS = 20_000;
/** Bad for so many stretches in a row: one can be an accident. */
const IN_A_ROW = 2;
/** Fewer say nothing of a share or a percentile. */
const LEAST_REQUESTS = 20;
const errorLimits = { factor: 3, more: 0.02 } as const;
const p99Limits = { factor: 3, floorMs: 50 } as const;
/** Fewer requests get through while each takes longer, or while more are under way: that is no traffic gone home. */
const throughputLimits = { factor: 0.5, slower: 1.5, active: 2 } as const;
/** Of what a request takes of the processor, and of what all take: with few requests what a process does besides weighs more. */
const processorLimits = { factor: 2, busier: 1.25, leastBusy: 0.3 } as const;
/** A heap that grows with the work is no harm yet. */
const memoryLimits = { factor: 2, moreBytes: 256 * 1024 * 1024 } as const;

/** Whether a stretch holds enough to be judged, or there is no more time to wait for it. */
export function saysEnough(vitals: ServiceVitals | null, lengthMs: number): boolean {
  return (vitals?.requests ?? 0) >= ENOUGH_REQUESTS || lengthMs >= LONGEST_LOOK_MS;
}

/** One stretch seen against those before the change. */
interface Finding {
  readonly reading: TrialGuard;
  readonly trouble: string | null;
}

/**
 * Watches over what no change may harm: errors, the slowest hundredth, requests that get through, processor and memory. The mix of
 * requests is allowed for: each route is compared with itself, so that more calls of a slow or failing one are no harm.
 */
export class GuardMetrics {
  readonly #known: boolean;
  readonly #routes = new Map<string, { requests: number; errors: number; ms: number; mostP99Ms: number }>();
  readonly #errorRatio: number;
  readonly #mostP99Ms: number;
  readonly #leastRate: number;
  readonly #mostActive: number;
  readonly #mostCpuMs: number;
  readonly #mostBusy: number;
  readonly #mostRss: number;

  /** @param before stretches before the change, each as long as those it is asked about later, about */
  constructor(before: readonly ServiceVitals[]) {
    this.#known = before.length >= IN_A_ROW;
    let [requests, errors] = [0, 0];
    for (const one of before) {
      requests += one.requests;
      errors += one.requests * (one.errorRatio ?? 0);
      for (const [name, route] of Object.entries(one.routes)) {
        const sum = this.#routes.get(name) ?? { requests: 0, errors: 0, ms: 0, mostP99Ms: 0 };
        sum.requests += route.requests;
        sum.errors += route.requests * (route.errorRatio ?? 0);
        sum.ms += route.requests * (route.meanMs ?? 0);
        sum.mostP99Ms = Math.max(sum.mostP99Ms, route.p99Ms ?? 0);
        this.#routes.set(name, sum);
      }
    }
    this.#errorRatio = requests === 0 ? 0 : errors / requests;
    const most = (value: (one: ServiceVitals) => number | null): number =>
      Math.max(0, ...before.map((one) => value(one) ?? 0));
    this.#mostP99Ms = most(({ p99Ms }) => p99Ms);
    this.#leastRate = before.length === 0 ? 0 : Math.min(...before.map(rateOf));
    this.#mostActive = most(({ active }) => active);
    this.#mostCpuMs = most((one) => this.#cpuMsOf(one));
    this.#mostBusy = most(({ cpuBusy }) => cpuBusy);
    this.#mostRss = most(rssOf);
  }

  /** Why the change has to go at once, whatever its statements say; null: there is no reason. */
  trouble(after: readonly (ServiceVitals | null)[]): string | null {
    const last = after.slice(-IN_A_ROW);
    if (!this.#known || last.length < IN_A_ROW) return null;
    const findings = last.map((one) => (one === null ? [] : this.#findings(one)));
    for (const { reading, trouble } of findings.at(-1) ?? []) {
      const always = findings.every((all) =>
        all.some((one) => one.reading.metric === reading.metric && one.trouble !== null),
      );
      if (trouble !== null && always) return trouble;
    }
    return null;
  }

  /** Each metric with its limit, for whoever wants to see what was measured. */
  readings(after: ServiceVitals | null): readonly TrialGuard[] {
    return this.#known && after !== null ? this.#findings(after).map(({ reading }) => reading) : [];
  }

  #findings(now: ServiceVitals): readonly Finding[] {
    return [this.#errors(now), this.#p99(now), this.#throughput(now), this.#processor(now), this.#memory(now)];
  }

  #errors(now: ServiceVitals): Finding {
    let [expected, listed] = [0, 0];
    for (const [name, { requests }] of Object.entries(now.routes)) {
      const usual = this.#routes.get(name);
      const ratio = usual === undefined || usual.requests === 0 ? this.#errorRatio : usual.errors / usual.requests;
      expected += requests * ratio;
      listed += requests;
    }
    expected += Math.max(0, now.requests - listed) * this.#errorRatio;
    const ratio = now.requests === 0 ? this.#errorRatio : expected / now.requests;
    const limit = Math.max(ratio * errorLimits.factor, ratio + errorLimits.more);
    const after = now.errorRatio;
    const reading = { metric: 'errors', unit: 'ratio', before: this.#errorRatio, after, limit } as const;
    if (now.requests < LEAST_REQUESTS || (after ?? 0) <= limit) return { reading, trouble: null };
    const trouble = `Errors rose from ${percent(this.#errorRatio)} of the requests to ${percent(after ?? 0)}, over the limit of ${percent(limit)} for these routes.`;
    return { reading, trouble };
  }

  #p99(now: ServiceVitals): Finding {
    const limit = this.#mostP99Ms === 0 ? null : Math.max(p99Limits.floorMs, this.#mostP99Ms * p99Limits.factor);
    const reading = { metric: 'p99', unit: 'ms', before: this.#mostP99Ms, after: now.p99Ms, limit } as const;
    const p99Ms = now.p99Ms ?? 0;
    if (limit === null || now.requests < LEAST_REQUESTS || p99Ms <= limit) return { reading, trouble: null };
    // More calls of a slow route raise the p99 of all without any becoming slower.
    const known = Object.entries(now.routes).flatMap(([name, route]) => {
      const most = this.#routes.get(name)?.mostP99Ms ?? 0;
      return most > 0 ? [{ name, p99Ms: route.p99Ms ?? 0, most }] : [];
    });
    const slower = known.toSorted((a, b) => b.p99Ms / b.most - a.p99Ms / a.most)[0];
    if (slower !== undefined && slower.p99Ms <= slower.most * p99Limits.factor) return { reading, trouble: null };
    const route =
      slower === undefined ? '' : `, ${slower.name} most of all: ${ms(slower.p99Ms)} after ${ms(slower.most)}`;
    const trouble = `The p99 of the requests rose to ${ms(p99Ms)}; before the change it was ${ms(this.#mostP99Ms)} at the most${route}.`;
    return { reading, trouble };
  }

  #throughput(now: ServiceVitals): Finding {
    const limit = this.#leastRate * throughputLimits.factor;
    const after = rateOf(now);
    const reading = { metric: 'throughput', unit: 'requests/s', before: this.#leastRate, after, limit } as const;
    const usually = (this.#leastRate * now.durationMs) / 1000;
    if (usually < LEAST_REQUESTS || after >= limit) return { reading, trouble: null };
    const slower = this.#slowdown(now);
    const waiting = (now.active ?? 0) > this.#mostActive * throughputLimits.active + 1;
    if (slower < throughputLimits.slower && !waiting) return { reading, trouble: null };
    const why = waiting
      ? `${(now.active ?? 0).toFixed(0)} are under way at a time, at most ${this.#mostActive.toFixed(0)} before`
      : `each takes ${slower.toFixed(1)} times as long`;
    const trouble = `Fewer requests get through: ${after.toFixed(1)} a second, at least ${this.#leastRate.toFixed(1)} before the change, and ${why}.`;
    return { reading, trouble };
  }

  #processor(now: ServiceVitals): Finding {
    const limit = this.#mostCpuMs === 0 ? null : this.#mostCpuMs * processorLimits.factor;
    const after = this.#cpuMsOf(now);
    const before = this.#mostCpuMs === 0 ? null : this.#mostCpuMs;
    const reading = { metric: 'processor', unit: 'ms', before, after, limit } as const;
    const busy = now.cpuBusy ?? 0;
    const isBusier = busy > Math.max(processorLimits.leastBusy, this.#mostBusy * processorLimits.busier);
    if (limit === null || after === null || after <= limit || !isBusier || now.requests < LEAST_REQUESTS) {
      return { reading, trouble: null };
    }
    const trouble = `A request takes ${ms(after)} of the processor; before the change it was ${ms(this.#mostCpuMs)} at the most. ${busy.toFixed(2)} cores are busy, at most ${this.#mostBusy.toFixed(2)} before.`;
    return { reading, trouble };
  }

  #memory(now: ServiceVitals): Finding {
    const limit =
      this.#mostRss === 0
        ? null
        : Math.max(this.#mostRss * memoryLimits.factor, this.#mostRss + memoryLimits.moreBytes);
    const after = rssOf(now);
    const before = this.#mostRss === 0 ? null : this.#mostRss;
    const reading = { metric: 'memory', unit: 'bytes', before, after, limit } as const;
    if (limit === null || after === null || after <= limit) return { reading, trouble: null };
    const trouble = `A process holds ${megabytes(after)}; before the change it was ${megabytes(this.#mostRss)} at the most.`;
    return { reading, trouble };
  }

  /** What these requests took, to what the same mix took before. 1 where nothing can be compared. */
  #slowdown({ routes }: ServiceVitals): number {
    let [now, before] = [0, 0];
    for (const [name, { requests, meanMs }] of Object.entries(routes)) {
      const usual = this.#routes.get(name);
      if (usual === undefined || usual.requests === 0 || meanMs === null) continue;
      now += requests * meanMs;
      before += (requests * usual.ms) / usual.requests;
    }
    return before === 0 ? 1 : now / before;
  }

  /** Processor time of an ordinary request: routes that take long usually take more of it, and count for more. */
  #cpuMsOf({ cpuBusy, durationMs, requests, routes }: ServiceVitals): number | null {
    if (cpuBusy === null || requests === 0) return null;
    let [weight, counted] = [0, 0];
    let [allMs, all] = [0, 0];
    for (const { requests: count, ms: sum } of this.#routes.values()) {
      allMs += sum;
      all += count;
    }
    const usualMs = all === 0 ? 0 : allMs / all;
    for (const [name, { requests: count }] of Object.entries(routes)) {
      const usual = this.#routes.get(name);
      if (usual === undefined || usual.requests === 0 || usualMs === 0) continue;
      weight += (count * usual.ms) / usual.requests / usualMs;
      counted += count;
    }
    const dear = counted === 0 || weight === 0 ? 1 : weight / counted;
    return (cpuBusy * durationMs) / requests / dear;
  }
}

function rateOf({ requests, durationMs }: ServiceVitals): number {
  return durationMs === 0 ? 0 : (requests * 1000) / durationMs;
}

function rssOf({ rssBytes, processes }: ServiceVitals): number | null {
  return rssBytes === null || processes === 0 ? null : rssBytes / processes;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
