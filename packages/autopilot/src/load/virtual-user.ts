import type { CompiledPlan, CompiledStep, Script } from './compiled-plan.ts';
import { type Cookie, CookieJar } from './cookie-jar.ts';
import type { DataValue } from './plan.ts';
import { Random } from './random.ts';
import { checkPath, RenderError, type RenderedRequest, type RequestContext } from './request-template.ts';
import type { Outcome } from './tally.ts';
import type { Received, Receiver, Transport } from './transport.ts';

/** What a user needs from the engine that runs it. Times are of the machine's clock, in ms. */
export interface UserWorld {
  readonly plan: CompiledPlan;
  readonly seed: number;
  readonly runId: string;
  readonly origin: string;
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  now(): number;
  /** No request may leave any more. */
  readonly halted: boolean;
  /** The load has ended: iterations under way only clean up. */
  readonly ending: boolean;
  sent(nowMs: number): void;
  record(
    step: CompiledStep,
    outcome: Outcome,
    times: { dueMs: number; sentMs: number; endMs: number },
    bytesReceived: number,
    kind: string,
  ): void;
  /** Calls `resume` at a time. */
  think(user: VirtualUser, untilMs: number): void;
  /** An iteration is not done to its end, because the load has ended. */
  cut(): void;
  /** The script has ended; `failure` says why a step of it failed. */
  ended(user: VirtualUser, nowMs: number, failure: string | undefined): void;
}

/** What `prepare` has left a user with: plain data. */
export interface UserSession {
  readonly cookies: readonly Cookie[];
  readonly values: readonly unknown[];
}

/**
 * One user with its session, connection and values. It is driven by callbacks, not promises: at full speed a promise for each
 * step costs as much as the rest of the bookkeeping.
 */
export class VirtualUser implements Receiver, RequestContext {
  /** Among the users of all workers and machines. */
  readonly userIndex: number;
  readonly transport: Transport;
  readonly jar: CookieJar = new CookieJar();
  readonly random: Random;
  readonly #world: UserWorld;
  readonly #cookie = (name: string): string | undefined => this.jar.get(name);
  iteration = 0;
  slots: unknown[];
  /** What `prepare` took: where every iteration begins. */
  #kept: readonly unknown[];
  /** Rows drawn for this iteration, by source. */
  #rows: (DataValue | undefined)[];
  #script: Script | undefined;
  #steps: readonly CompiledStep[] = [];
  #at = 0;
  #step: CompiledStep | undefined;
  #cleaning = false;
  #failure: string | undefined;
  #redirects = 0;
  #bytes = 0;
  /** Requests of the script under way or ended last. */
  requests = 0;
  /** Of the step under way. */
  dueMs = 0;
  /** When its request was sent; NaN: none is under way. */
  sentMs: number = Number.NaN;

  constructor(world: UserWorld, userIndex: number, transport: Transport) {
    this.#world = world;
    this.userIndex = userIndex;
    this.transport = transport;
    this.random = new Random(world.seed);
    this.slots = Array.from({ length: world.plan.slotCount }, () => undefined);
    this.#kept = this.slots;
    this.#rows = world.plan.sources.map(() => undefined);
  }

  get runId(): string {
    return this.#world.runId;
  }

  get origin(): string {
    return this.#world.origin;
  }

  /** Whether a script is under way. */
  get busy(): boolean {
    return this.#script !== undefined;
  }

  cookieFor(path: string): string {
    return this.jar.headerFor(path);
  }

  row(source: number): DataValue {
    const drawn = this.#rows[source];
    if (drawn !== undefined) return drawn;
    const { rows, pick } = this.#world.plan.sources[source] ?? { rows: [], pick: 'sequence' };
    const number =
      pick === 'user' ? this.userIndex : pick === 'sequence' ? this.iteration : this.random.integer(0, rows.length - 1);
    const row = rows[number % rows.length] ?? null;
    this.#rows[source] = row;
    return row;
  }

  /** Begins a script whose first step was due at a time. `stream` keeps its random numbers apart from other scripts'. */
  begin(script: Script | 'flow', iteration: number, stream: number, dueMs: number): void {
    const { plan, seed } = this.#world;
    this.iteration = iteration;
    this.random.reseed(seed, stream, iteration);
    this.#rows.fill(undefined);
    if (this.slots.length > 0) this.slots = [...this.#kept];
    this.#script = script === 'flow' ? plan.chooseFlow(this.random) : script;
    this.#steps = this.#script.steps;
    this.#at = 0;
    this.#cleaning = false;
    this.#failure = undefined;
    this.requests = 0;
    this.#advance(dueMs);
  }

  /** Every later iteration begins with the values that are there now. */
  keepValues(): void {
    this.#kept = this.slots;
  }

  /** What this user begins every iteration with. */
  get session(): UserSession {
    return { cookies: this.jar.cookies, values: this.#kept };
  }

  /** Goes on as a user of an earlier run of the plan, in the place of `prepare`. */
  restore({ cookies, values }: UserSession): void {
    this.jar.take(cookies);
    this.#kept = values;
  }

  /** The pause is over. */
  resume(dueMs: number): void {
    this.#advance(dueMs);
  }

  onResponse(response: Received): void {
    const now = this.#world.now();
    const step = this.#step;
    if (step === undefined) return;
    for (const line of response.setCookies) this.jar.set(line);
    this.#bytes += response.bodyBytes;
    const { status } = response;
    if (status >= 300 && status < 400 && this.#redirects < this.#world.maxRedirects) {
      const location = response.header('location');
      if (location !== undefined) {
        this.#redirect(step, status, location);
        return;
      }
    }
    const kind = step.judge(response, this, this.slots, this.#cookie);
    this.#settle(step, kind === undefined ? 'done' : 'failed', now, kind ?? '');
  }

  onFailure(kind: string): void {
    const step = this.#step;
    if (step !== undefined) this.#settle(step, 'failed', this.#world.now(), kind);
  }

  /** Gives a request up that takes too long. */
  checkTimeout(nowMs: number): void {
    // False for the NaN of no request.
    if (!(nowMs - this.sentMs >= this.#world.timeoutMs) || this.#step === undefined) return;
    this.transport.cancel();
    this.#settle(this.#step, 'timedOut', nowMs, 'timeout');
  }

  /** Ends whatever is under way; a request is counted as unfinished. */
  abandon(nowMs: number): void {
    const step = this.#step;
    if (step !== undefined && !Number.isNaN(this.sentMs)) {
      this.transport.cancel();
      this.#record(step, 'unfinished', nowMs, 'stopped');
    }
    this.#step = undefined;
    this.#script = undefined;
    this.sentMs = Number.NaN;
  }

  #settle(step: CompiledStep, outcome: Outcome, nowMs: number, kind: string): void {
    this.#record(step, outcome, nowMs, kind);
    if (outcome !== 'done') {
      this.#failure ??= `${step.name}: ${kind}`;
      // What failed may have left nothing for the steps behind it; what it made before is taken away.
      if (!this.#cleaning) this.#at = this.#steps.length;
    } else if (step.think !== undefined && !this.#world.ending) {
      const pauseMs = step.think(this.random);
      if (pauseMs > 0) {
        this.#world.think(this, nowMs + pauseMs);
        return;
      }
    }
    this.#advance(nowMs);
  }

  #record(step: CompiledStep, outcome: Outcome, nowMs: number, kind: string): void {
    const times = { dueMs: this.dueMs, sentMs: this.sentMs, endMs: nowMs };
    this.#step = undefined;
    this.sentMs = Number.NaN;
    this.#world.record(step, outcome, times, this.#bytes, kind);
  }

  /** Goes to the next step that is to be done, or ends the script. */
  #advance(dueMs: number): void {
    const world = this.#world;
    if (this.#script === undefined) return;
    if (world.halted) {
      this.#end(dueMs);
      return;
    }
    for (;;) {
      // The first step was asked for before the load ended, and is still done.
      if (world.ending && !this.#cleaning && this.#at > 0 && this.#at < this.#steps.length) {
        this.#at = this.#steps.length;
        world.cut();
      }
      const step = this.#steps[this.#at];
      if (step === undefined) {
        if (this.#cleaning || this.#script.cleanUp.length === 0) {
          this.#end(dueMs);
          return;
        }
        this.#cleaning = true;
        this.#steps = this.#script.cleanUp;
        this.#at = 0;
        continue;
      }
      this.#at++;
      if (step.chance < 1 && this.random.next() >= step.chance) continue;
      if (this.#request(step, dueMs)) return;
    }
  }

  /** False when the step is left out, because a value that it needs is missing. */
  #request(step: CompiledStep, dueMs: number): boolean {
    this.#redirects = 0;
    this.#bytes = 0;
    this.dueMs = dueMs;
    this.requests++;
    let request: RenderedRequest | undefined;
    try {
      request = step.template.render(this);
    } catch (thrown) {
      if (!(thrown instanceof RenderError)) throw thrown;
      this.#step = step;
      this.sentMs = this.#world.now();
      this.#world.sent(this.sentMs);
      // Later, as every other failure comes: a plan that only fails must not keep the thread to itself.
      setImmediate(() => {
        if (this.#step === step) this.onFailure(thrown.message);
      });
      return true;
    }
    if (request === undefined) {
      this.requests--;
      return false;
    }
    this.#step = step;
    this.sentMs = this.#world.now();
    this.#world.sent(this.sentMs);
    this.transport.send(request, step.wanted, this);
    return true;
  }

  /** Follows a redirect within the target's origin, as part of the same step. */
  #redirect(step: CompiledStep, status: number, location: string): void {
    this.#redirects++;
    let request: RenderedRequest | undefined;
    let kind = 'redirect to nowhere';
    const url = URL.parse(location, this.#world.origin);
    if (url !== null && url.origin !== this.#world.origin) kind = 'redirect to another origin refused';
    else if (url !== null && !this.#world.halted) {
      try {
        const path = url.pathname + url.search;
        checkPath(path);
        request = step.template.redirected(status, path, this);
      } catch (thrown) {
        if (!(thrown instanceof RenderError)) throw thrown;
      }
    }
    if (request === undefined) this.#settle(step, 'failed', this.#world.now(), kind);
    else this.transport.send(request, step.wanted, this);
  }

  #end(nowMs: number): void {
    this.#script = undefined;
    this.#world.ended(this, nowMs, this.#failure);
  }
}
