import { randomUUID } from 'node:crypto';
import type { InstanceStatus } from '../../contract/performance.ts';
import type { Profile, ProfileFrame, ProfileKind, ProfileTree } from '../../contract/profile.ts';
import type { StartProfileQuery } from '../../contract/profile-operations.ts';
import type { Origin } from '../../contract/series.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import type { DownMessage, UpMessage } from '../../link/protocol.ts';

/** The agents, as profiles need them. */
export interface ProfiledAgents {
  instances(service: string): readonly InstanceStatus[];
  /** False: the instance is not linked, or its buffer is full. */
  tell(service: string, instance: string, message: DownMessage): boolean;
}

/** Kept in memory, each a megabyte at most. */
const MAX_KEPT = 20;
const DEFAULT_SECONDS = 10;
/** After its time: for a busy loop to come to it, and the answer to come over. */
const GRACE_MS = 20_000;
const MAX_ITEMS = 20_000;
const MAX_TEXT = 500;

/** Asks instances for profiles and keeps the latest. */
export class Profiles {
  readonly #agents: ProfiledAgents;
  readonly #kept = new Map<string, Profile>();
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(agents: ProfiledAgents) {
    this.#agents = agents;
  }

  /** @throws AutopilotError AP_INSTANCE_NOT_LINKED, AP_PROFILE_RUNNING */
  start(
    service: string,
    { instance: named, kind = 'cpu', seconds = DEFAULT_SECONDS }: StartProfileQuery,
    by: string,
  ): Profile {
    const instance = named ?? this.#only(service);
    const running = [...this.#kept.values()].find(
      (one) => one.service === service && one.instance === instance && one.state === 'running',
    );
    if (running !== undefined) {
      throw new AutopilotError('AP_PROFILE_RUNNING', `${instance} is being profiled since ${running.startedAt}.`, {
        remedy: `Wait for GET /api/v1/performance/profiles/${running.id}: one at a time is what an instance bears.`,
      });
    }
    const id = randomUUID();
    const durationMs = seconds * 1_000;
    if (!this.#agents.tell(service, instance, { kind: 'profile', id, profile: kind, durationMs })) {
      throw new AutopilotError('AP_INSTANCE_NOT_LINKED', `${instance} of ${service} is not linked.`, {
        remedy: 'GET /api/v1/performance/instances lists those that are live.',
      });
    }
    const profile = profileOf({ id, service, instance, kind, durationMs, startedBy: by });
    this.#kept.set(id, profile);
    for (const old of [...this.#kept.keys()].slice(0, Math.max(0, this.#kept.size - MAX_KEPT))) this.#forget(old);
    const timer = setTimeout(() => {
      this.#end(id, {
        state: 'failed',
        reason: 'The instance did not answer: it has ended, or runs an older release.',
      });
    }, durationMs + GRACE_MS);
    timer.unref();
    this.#timers.set(id, timer);
    return profile;
  }

  /** Takes what an instance answered; what it is not asked for is passed over. */
  hear({ service, instance }: Origin, message: UpMessage & { readonly kind: 'profiled' }): void {
    const known = this.#kept.get(message.id);
    if (known?.state !== 'running' || known.service !== service || known.instance !== instance) return;
    const { tree, refusal } = message;
    if (isTree(tree)) this.#end(message.id, { state: 'done', tree });
    else {
      const reason = typeof refusal === 'string' ? refusal.slice(0, MAX_TEXT) : 'What it sent is no profile.';
      this.#end(message.id, { state: 'failed', reason: `${instance} made none: ${reason}` });
    }
  }

  /** Newest first, without their calls. */
  list(service: string): readonly Profile[] {
    const own = [...this.#kept.values()].filter((one) => one.service === service);
    return own.reverse().map((one) => ({ ...one, tree: null }));
  }

  /** @throws AutopilotError AP_PROFILE_UNKNOWN */
  get(id: string): Profile {
    const found = this.#kept.get(id);
    if (found !== undefined) return found;
    throw new AutopilotError('AP_PROFILE_UNKNOWN', 'There is no profile of this id.', {
      remedy: `The latest ${MAX_KEPT} are kept, until the control plane ends: GET /api/v1/performance/profiles lists them.`,
    });
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #only(service: string): string {
    const live = this.#agents.instances(service).filter(({ state }) => state !== 'gone');
    const [only] = live;
    if (only !== undefined && live.length === 1) return only.instance;
    throw new AutopilotError(
      'AP_INSTANCE_NOT_LINKED',
      `${live.length} instances of ${service} are live; one is profiled at a time.`,
      {
        remedy: 'Name one by `instance`; GET /api/v1/performance/instances lists them.',
      },
    );
  }

  #end(id: string, result: Partial<Profile>): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    const known = this.#kept.get(id);
    if (known !== undefined) this.#kept.set(id, { ...known, ...result });
  }

  #forget(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#kept.delete(id);
  }
}

function profileOf(
  asked: Pick<Profile, 'id' | 'service' | 'instance' | 'durationMs' | 'startedBy'> & { readonly kind: ProfileKind },
): Profile {
  return { ...asked, state: 'running', reason: null, startedAt: new Date().toISOString(), tree: null };
}

/** What a link carries may be anything: places that exist, parents before their calls, numbers that are some. */
function isTree(value: unknown): value is ProfileTree {
  if (typeof value !== 'object' || value === null) return false;
  const { frames, nodes, total, samples, notes } = value as Partial<ProfileTree>; // each is looked at here
  return (
    isList(frames) &&
    frames.every(isFrame) &&
    isList(nodes) &&
    nodes.every(
      (node, index) =>
        Array.isArray(node) &&
        node.length === 3 &&
        isIndex(node[0], 0, frames.length) &&
        isIndex(node[1], -1, index) &&
        isAmount(node[2]),
    ) &&
    isAmount(total) &&
    isAmount(samples) &&
    isList(notes) &&
    notes.every(isText)
  );
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= MAX_ITEMS;
}

function isFrame(value: unknown): value is ProfileFrame {
  if (typeof value !== 'object' || value === null) return false;
  const { name, file, line } = value as Partial<ProfileFrame>; // each is looked at here
  return isText(name) && isText(file) && isIndex(line, 0, Number.MAX_SAFE_INTEGER);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY;
}

function isIndex(value: unknown, from: number, below: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= from && Number(value) < below;
}
