import { type AsyncHook, createHook } from 'node:async_hooks';
import type { Settings } from '../config/registry.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Recorder, Sink } from './observation.ts';
import type { RequestContext, RequestScope } from './request-scope.ts';
import { SampleSchedule } from './sample-schedule.ts';

/** What {@link LoopSlices} are made of. */
export interface LoopSlicesOptions {
  readonly clock: Clock;
  readonly context: RequestContext;
  /** Share of the time that is sampled, over 0 to 1; asked before each sample. 0: none, it is asked again later. */
  readonly sampledShare: () => number;
}

/** The share that the settings ask for; 0 while they ask for none. */
export function sampledShareOf({ resources }: Pick<Settings, 'resources'>): number {
  return resources.enabled ? resources.sampledShare : 0;
}

/** The recent routes' memory: halved about every second, and at most so many of them. */
const FORGET = 0.7;
const MAX_RECENT = 256;
/** Deeper than callbacks ever nest: something was lost count of, and it starts anew. */
const MAX_DEPTH = 256;

/**
 * Estimates how much time of the event loop each request takes, by the slices in which its code runs: from the moment
 * Node calls back into a request's context to the moment that returns. Process counters can't tell: on one loop they
 * charge each request with its neighbours' work.
 *
 * Watching every callback costs too much, so it is done on a sample of the time (SampleSchedule):
 *   estimate of a route = sum over samples of (its slices within one) x (what a sampled ms of that stands for).
 * A sample begins and ends between two slices, where the loop's timers have their turn, so that none is cut.
 *
 * States: pausing (no hook is installed; it costs nothing) and sampling. Errors are those of a sample: docs/guides/request-layers.md
 * says how large.
 */
export class LoopSlices implements Recorder {
  readonly name = 'loop';
  readonly #clock: Clock;
  readonly #context: RequestContext;
  readonly #sampledShare: () => number;
  readonly #hook: AsyncHook;
  #sink: Sink | null = null;
  #sampling = false;
  #weight = 0;
  #owner: RequestScope | undefined;
  #sinceMs = 0;
  #outer: (RequestScope | undefined)[] = [];
  #recent = new Map<string, number>();

  constructor({ clock, context, sampledShare }: LoopSlicesOptions) {
    this.#clock = clock;
    this.#context = context;
    this.#sampledShare = sampledShare;
    // Without `init` no resource is followed: the context of a callback says whose it is.
    this.#hook = createHook({ before: () => this.#enter(), after: () => this.#leave() });
  }

  /** The route that took most of the loop in the last seconds, and its share of what any took; null: nobody knows. */
  get busiest(): { readonly route: string; readonly share: number } | null {
    let all = 0;
    let most = 0;
    let busiest: string | null = null;
    for (const [route, ms] of this.#recent) {
      all += ms;
      if (ms <= most) continue;
      most = ms;
      busiest = route;
    }
    return busiest === null ? null : { route: busiest, share: most / all };
  }

  attach(sink: Sink): Disposable {
    this.#sink = sink;
    this.#context.slices = this;
    const schedule = new SampleSchedule();
    let timer: NodeJS.Timeout;
    const step = (): void => {
      const { isSampling, weight, nextInMs } = schedule.advance(this.#clock.monotonicMs(), this.#sampledShare());
      if (isSampling) this.#begin(weight);
      else this.#end();
      timer = setTimeout(step, Math.ceil(nextInMs));
      timer.unref();
    };
    step();
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        this.#end();
        this.#sink = null;
        if (this.#context.slices === this) this.#context.slices = null;
      },
    };
  }

  /** The rest of the running callback is this request's; what came before in it, the parsing of its head, if nobody's yet. */
  switchTo(scope: RequestScope): void {
    if (!this.#sampling) return;
    if (this.#owner !== undefined) this.#charge();
    this.#owner = scope;
  }

  /** Runs a part of somebody else's callback for this request. */
  run<Result>(scope: RequestScope, callback: () => Result): Result {
    if (!this.#sampling) return callback();
    this.#enterAs(scope);
    try {
      return callback();
    } finally {
      this.#leave();
    }
  }

  #begin(weight: number): void {
    this.#weight = weight;
    if (this.#sampling) return;
    // It tells whose callbacks are; without it nobody can be charged.
    this.#context.enable();
    this.#sampling = true;
    this.#hook.enable();
  }

  #end(): void {
    if (!this.#sampling) return;
    this.#hook.disable();
    this.#sampling = false;
    this.#owner = undefined;
    this.#outer = [];
    const recent = new Map<string, number>();
    for (const [route, ms] of this.#recent) if (ms > 0.1) recent.set(route, ms * FORGET);
    this.#recent = recent;
  }

  #enter(): void {
    this.#enterAs(this.#context.current());
  }

  #enterAs(scope: RequestScope | undefined): void {
    if (this.#outer.length >= MAX_DEPTH) this.#outer = [];
    this.#outer.push(this.#owner);
    this.#charge();
    this.#owner = scope;
  }

  #leave(): void {
    this.#charge();
    this.#owner = this.#outer.pop();
  }

  /** Gives the time since the last change to whose it was. */
  #charge(): void {
    const atMs = this.#clock.monotonicMs();
    const scope = this.#owner;
    if (scope !== undefined) {
      const ms = (atMs - this.#sinceMs) * this.#weight;
      if (scope.ended)
        this.#sink?.record({
          kind: 'loop-time',
          atMs,
          route: scope.route,
          tenant: scope.tenant,
          loopMs: ms,
          isTest: scope.isTest,
        });
      else scope.loopMs += ms;
      const before = this.#recent.get(scope.route);
      if (before !== undefined || this.#recent.size < MAX_RECENT) this.#recent.set(scope.route, (before ?? 0) + ms);
    }
    this.#sinceMs = atMs;
  }
}
