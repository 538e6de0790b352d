import type { HeapProfiler, Profiler } from 'node:inspector/promises';
import { pathToFileURL } from 'node:url';
import type { ProfileFrame, ProfileKind, ProfileTree } from '../contract/profile.ts';
import type { Clock } from '../kernel/clock.ts';
import { frameOf, keyOf, type ProfiledStack, profileTree } from './profile-tree.ts';
import type { RequestContext } from './request-scope.ts';
import { NO_REQUEST, NOT_TOLD_APART, SliceLog } from './slice-log.ts';

/** Samples of a profile: one a millisecond up to ten seconds, fewer then, so that its size has a bound. */
const MAX_SAMPLES = 10_000;
const LEAST_INTERVAL_US = 1_000;
/** Of memory one in so many bytes is looked at: V8's own choice. */
const SAMPLED_BYTES = 32_768;
/** Milliseconds of the loop in which a function was seen, before it says anything about routes. */
const SEEN_MS = 3;
/** What the engine does when no code of the process runs. */
const nobodys = new Set(['(root)', '(program)', '(idle)']);

const noFrames: readonly ProfileFrame[] = [];

interface Weighed {
  readonly route: string;
  readonly frames: readonly ProfileFrame[];
  readonly ms: number;
}

/**
 * Profiles this process by the engine's own sampling profilers, and tells by whose slice of the event loop a sample fell into
 * which route it was taken for. Memory's samples have no time: their route is estimated from the functions on the stack and the
 * routes that these were seen working for (see {@link byRoute}).
 */
export class RequestProfiler {
  readonly #clock: Clock;
  readonly #context: RequestContext;
  #isRunning = false;
  #stop: (() => void) | null = null;

  constructor({ clock, context }: { readonly clock: Clock; readonly context: RequestContext }) {
    this.#clock = clock;
    this.#context = context;
  }

  /** @throws Error when one is under way, or the engine has no profiler */
  async profile(kind: ProfileKind, durationMs: number): Promise<ProfileTree> {
    if (this.#isRunning) throw new Error('a profile is under way already');
    this.#isRunning = true;
    try {
      return await this.#profile(kind, durationMs);
    } finally {
      this.#isRunning = false;
      this.#stop = null;
    }
  }

  /** Ends the one that is under way. */
  [Symbol.dispose](): void {
    this.#stop?.();
  }

  async #profile(kind: ProfileKind, durationMs: number): Promise<ProfileTree> {
    // Not before somebody asks for a profile: an application that is never profiled does not load it.
    const { Session } = await import('node:inspector/promises');
    const session = new Session();
    session.connect();
    const slices = new SliceLog(this.#context, () => this.#clock.monotonicMs());
    try {
      const interval = Math.max(LEAST_INTERVAL_US, Math.ceil((durationMs * 1_000) / MAX_SAMPLES));
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval });
      if (kind === 'allocation') {
        await session.post('HeapProfiler.enable');
        await session.post('HeapProfiler.startSampling', {
          samplingInterval: SAMPLED_BYTES,
          includeObjectsCollectedByMajorGC: true,
          includeObjectsCollectedByMinorGC: true,
        } as HeapProfiler.StartSamplingParameterType); // newer than the types: what is collected is counted too
      }
      const offsetMs = offsetOf(this.#clock);
      slices.start();
      await session.post('Profiler.start');
      const ended = await this.#wait(durationMs);
      const { profile } = await session.post('Profiler.stop');
      slices.stop();
      const notes = ended ? [] : ['The process was closing: it was ended before its time.'];
      const folder = `${pathToFileURL(process.cwd()).href}/`;
      const weighed = weigh(profile, slices, offsetMs, folder);
      if (kind === 'cpu') {
        const stacks = weighed.map(({ route, frames, ms }): ProfiledStack => ({ route, frames, value: ms }));
        return profileTree(stacks, { samples: profile.samples?.length ?? 0, digits: 3, notes });
      }
      const { profile: heap } = await session.post('HeapProfiler.stopSampling');
      const stacks = [...byRoute(heap.head, weighed, folder)];
      return profileTree(stacks, {
        // Newer than the types, as above.
        samples: (heap as { readonly samples?: readonly unknown[] }).samples?.length ?? 0,
        digits: 0,
        notes: [
          ...notes,
          'Of each call the bytes are measured; to which route they belong is estimated from the functions that called it.',
        ],
      });
    } finally {
      slices.stop();
      session.disconnect();
    }
  }

  /** False: it was ended before. */
  #wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), ms);
      timer.unref();
      this.#stop = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }
}

/**
 * What the engine's clock is ahead of ours: its is that of hrtime, in microseconds, ours may begin anywhere. On a busy machine
 * this thread may have to wait between two looks at clocks, so the closest pair of several counts.
 */
function offsetOf(clock: Clock): number {
  let offsetMs = 0;
  let closestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20; round++) {
    const before = clock.monotonicMs();
    const engineMs = Number(process.hrtime.bigint()) / 1e6;
    const after = clock.monotonicMs();
    if (after - before >= closestMs) continue;
    closestMs = after - before;
    offsetMs = engineMs - (before + after) / 2;
  }
  return offsetMs;
}

/** The samples by stack and route: each stands for the time until the next. */
function weigh(profile: Profiler.Profile, slices: SliceLog, offsetMs: number, folder: string): readonly Weighed[] {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const moments: number[] = [];
  let atUs = profile.startTime;
  for (const delta of timeDeltas) {
    atUs += delta;
    moments.push(atUs / 1_000 - offsetMs);
  }
  const routes = slices.routesAt(moments);
  const ms = new Map<string, Map<number, number>>();
  for (const [index, node] of samples.entries()) {
    const route = routes[index] ?? NO_REQUEST;
    const ofRoute = ms.get(route) ?? new Map<number, number>();
    ms.set(route, ofRoute);
    ofRoute.set(node, (ofRoute.get(node) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0) / 1_000);
  }
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const stacks = new Map<number, readonly ProfileFrame[] | null>();
  const stackOf = (id: number): readonly ProfileFrame[] | null => {
    const known = stacks.get(id);
    if (known !== undefined) return known;
    const frames: ProfileFrame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { functionName = '', url = '', lineNumber = -1 } = byId.get(at)?.callFrame ?? {};
      if (nobodys.has(functionName)) continue;
      frames.unshift(frameOf(functionName, url, lineNumber, folder));
    }
    const stack = frames.length === 0 ? null : frames;
    stacks.set(id, stack);
    return stack;
  };
  return Array.from(ms, ([route, ofRoute]) =>
    Array.from(ofRoute, ([node, took]): Weighed | null => {
      const frames = stackOf(node);
      return frames === null ? null : { route, frames, ms: took };
    }).filter((one) => one !== null),
  ).flat();
}

/**
 * Memory by stack and route. A function that was seen working for one route alone says whose a stack is, one that works for
 * all says nothing: of the functions on a stack the one decides whose time went to one route most
 * (max over routes / sum over routes), in the proportions in which it was seen.
 */
function* byRoute(
  head: HeapProfiler.SamplingHeapProfileNode,
  weighed: readonly Weighed[],
  folder: string,
): Generator<ProfiledStack> {
  const seen = new Map<string, Map<string, number>>();
  for (const { route, frames, ms } of weighed) {
    for (const key of new Set(frames.map(keyOf))) {
      const routes = seen.get(key) ?? new Map<string, number>();
      seen.set(key, routes.set(route, (routes.get(route) ?? 0) + ms));
    }
  }
  const pending = [{ node: head, frames: noFrames }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { functionName, url, lineNumber } = next.node.callFrame;
    const frames = nobodys.has(functionName)
      ? next.frames
      : [...next.frames, frameOf(functionName, url, lineNumber, folder)];
    for (const node of next.node.children) pending.push({ node, frames });
    const bytes = next.node.selfSize;
    if (bytes === 0 || frames.length === 0) continue;
    const shares = sharesOf(frames, seen);
    if (shares === null) yield { route: NOT_TOLD_APART, frames, value: bytes };
    else for (const [route, share] of shares) yield { route, frames, value: bytes * share };
  }
}

/** null: nothing on the stack says anything. */
function sharesOf(
  frames: readonly ProfileFrame[],
  seen: ReadonlyMap<string, ReadonlyMap<string, number>>,
): readonly (readonly [route: string, share: number])[] | null {
  let best: ReadonlyMap<string, number> | null = null;
  let bestShare = 0;
  let bestSum = 0;
  for (const frame of frames) {
    const routes = seen.get(keyOf(frame));
    if (routes === undefined) continue;
    let sum = 0;
    let most = 0;
    for (const ms of routes.values()) {
      sum += ms;
      most = Math.max(most, ms);
    }
    if (sum < SEEN_MS || most / sum <= bestShare) continue;
    best = routes;
    bestShare = most / sum;
    bestSum = sum;
  }
  return best === null ? null : Array.from(best, ([route, ms]) => [route, ms / bestSum] as const);
}
