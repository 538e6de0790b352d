import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CodePlace, placeKey } from '../contract/code-place.ts';
import type { Clock } from '../kernel/clock.ts';

/** A look at the stack costs 20 to 60 us: one a second of each kind, whatever the traffic. */
const LOOK_EVERY_MS = 1_000;
/** Beside those, so many for what is wanted, which is at most so much at once; a route that gives nothing is left alone for a while. */
const WANTED_LOOKS = 200;
const MOST_WANTED = 16;
const REST_MS = 60_000;
const MOST_PLACES = 1_000;
/** Deep enough to come out of a query builder. */
const STACK_DEPTH = 40;
const FRAMES_KEPT = 3;
const LONGEST_FRAME = 300;
const MOST_TENANTS = 5;
/** Whose a request is is known when it has ended; of what takes longer it stays unknown. */
const MOST_PENDING = 20;
const PENDING_MS = 60_000;

/** This package's own files are nobody's application. */
const ownFiles = fileURLToPath(new URL('../', import.meta.url));

/** What pg-pool calls back is far from the code that asked for it: there nothing is to be seen. */
const NOTHING: readonly string[] = [];

/** Stands among the ids of statements for where connections are taken. */
const LEAK = 'leak';

/** A request; whose it is is known when it has ended. */
interface Asker {
  readonly tenant: string | null;
  readonly ended: boolean;
}

interface Wanted {
  /** Ids of statements, LEAK. */
  readonly what: Set<string>;
  looks: number;
  /** Where looking again begins, once the looks are used up. */
  restUntilMs: number;
}

/**
 * Where in the application's code statements are sent from and connections are taken, from samples of the stack. Beside
 * looking, what it costs is a comparison a statement. Never throws.
 */
export class CodePlaces {
  readonly #clock: Clock;
  readonly #isOwn: (file: string) => boolean;
  readonly #places = new Map<string, { readonly place: CodePlace; readonly revision: number }>();
  readonly #wanted = new Map<string, Wanted>();
  /** Requests that were looked at, until it is known whose they are. */
  #pending: { readonly key: string; readonly asker: Asker; readonly atMs: number }[] = [];
  #revision = 0;
  #nextAtMs: Record<'statement' | 'connection', number> = { statement: 0, connection: 0 };
  /** Of the connection that is being handed out; null: it is no callback of a pool that runs. */
  #handed: readonly string[] | null = null;

  /** `isOwn` tells files that are left out beside those of libraries. */
  constructor(clock: Clock, isOwn: (file: string) => boolean = (file) => file.startsWith(ownFiles)) {
    this.#clock = clock;
    this.#isOwn = isOwn;
  }

  /** Counts up with each change. */
  get revision(): number {
    if (this.#pending.length > 0) this.#learnTenants();
    return this.#revision;
  }

  /** What has changed since `revision`. */
  since(revision: number): readonly CodePlace[] {
    if (revision >= this.#revision) return [];
    return [...this.#places.values()].filter((one) => one.revision > revision).map(({ place }) => place);
  }

  /** Somebody takes a connection: where, if it is time to look; null: it is not. */
  atConnection(atMs: number, route: string | null): readonly string[] | null {
    return this.#isDue('connection', atMs, route) ? look(this.#isOwn) : null;
  }

  /** Runs the callback that a pool hands a connection to; what it sends comes from where the connection was taken. */
  handing<Result>(frames: readonly string[] | null, callback: () => Result): Result {
    this.#handed = frames ?? NOTHING;
    try {
      return callback();
    } finally {
      this.#handed = null;
    }
  }

  /** A statement is sent, by a request or by none. */
  atStatement(atMs: number, database: string, id: string, route: string | null, asker: Asker | null = null): void {
    const handed = this.#handed;
    const frames = handed ?? (this.#isDue('statement', atMs, route) ? look(this.#isOwn) : NOTHING);
    if (frames.length === 0) return;
    if (route !== null) this.#found(route, id);
    const subject = { kind: 'statement', database, key: id, route } as const;
    this.#keep(subject, frames);
    if (asker !== null && this.#pending.length < MOST_PENDING) {
      this.#pending.push({ key: placeKey(subject), asker, atMs });
    }
  }

  /** A connection was not given back. */
  leaked(pool: string, database: string, route: string, frames: readonly string[]): void {
    if (frames.length === 0) this.#want(route, LEAK);
    else this.#found(route, LEAK);
    this.#keep({ kind: 'leak', database, key: pool, route }, frames);
  }

  /** A statement was sent with a list of so many values. */
  listed(database: string, id: string, values: number): void {
    const subject = { kind: 'list', database, key: id, route: null } as const;
    if ((this.#places.get(placeKey(subject))?.place.count ?? 0) < values) this.#keep(subject, NOTHING, values);
  }

  /** A request repeats a statement: its route is looked at until it is known from where. */
  want(database: string, id: string, route: string): void {
    if (!this.#places.has(placeKey({ kind: 'statement', database, key: id, route }))) this.#want(route, id);
  }

  #want(route: string, what: string): void {
    const known = this.#wanted.get(route);
    if (known === undefined) {
      if (this.#wanted.size >= MOST_WANTED) return;
      this.#wanted.set(route, { what: new Set([what]), looks: WANTED_LOOKS, restUntilMs: 0 });
      return;
    }
    known.what.add(what);
    if (known.looks === 0 && this.#clock.monotonicMs() >= known.restUntilMs) known.looks = WANTED_LOOKS;
  }

  #found(route: string, what: string): void {
    const known = this.#wanted.get(route);
    if (known === undefined) return;
    known.what.delete(what);
    if (known.what.size === 0) this.#wanted.delete(route);
  }

  #isDue(kind: 'statement' | 'connection', atMs: number, route: string | null): boolean {
    if (atMs >= this.#nextAtMs[kind]) {
      this.#nextAtMs[kind] = atMs + LOOK_EVERY_MS;
      return true;
    }
    if (this.#wanted.size === 0 || route === null) return false;
    const wanted = this.#wanted.get(route);
    if (wanted === undefined || wanted.looks === 0) return false;
    if (--wanted.looks === 0) wanted.restUntilMs = atMs + REST_MS;
    return true;
  }

  #learnTenants(): void {
    const now = this.#clock.monotonicMs();
    const pending = this.#pending;
    this.#pending = pending.filter(
      ({ asker, atMs }) => asker.tenant === null && !asker.ended && now - atMs < PENDING_MS,
    );
    for (const { key, asker } of pending) {
      const known = this.#places.get(key);
      if (asker.tenant === null || known === undefined) continue;
      const { place } = known;
      const tenants = [asker.tenant, ...(place.tenants ?? []).filter((one) => one !== asker.tenant)];
      this.#revision++;
      const revision = this.#revision;
      this.#places.set(key, { revision, place: { ...place, tenants: tenants.slice(0, MOST_TENANTS) } });
    }
  }

  #keep(
    subject: Omit<CodePlace, 'frames' | 'at' | 'count' | 'tenants'>,
    frames: readonly string[],
    count?: number,
  ): void {
    const key = placeKey(subject);
    const before = this.#places.get(key)?.place;
    // The one that was changed longest ago makes room.
    this.#places.delete(key);
    for (const oldest of this.#places.keys()) {
      if (this.#places.size < MOST_PLACES) break;
      this.#places.delete(oldest);
    }
    this.#revision++;
    this.#places.set(key, {
      revision: this.#revision,
      place: {
        ...subject,
        frames: frames.length === 0 ? (before?.frames ?? []) : frames,
        at: this.#clock.now(),
        count: count ?? (before?.count ?? 0) + 1,
        ...(before?.tenants === undefined ? {} : { tenants: before.tenants }),
      },
    });
  }
}

/** The application's own frames, the innermost first. */
function look(isOwn: (file: string) => boolean): readonly string[] {
  const { stackTraceLimit } = Error;
  const prepareStackTrace: unknown = Reflect.get(Error, 'prepareStackTrace');
  try {
    const holder: { stack?: unknown } = {};
    Error.stackTraceLimit = STACK_DEPTH;
    // As it is: texts of stacks cost more, and source maps much more.
    Error.prepareStackTrace = (_error, sites) => sites;
    Error.captureStackTrace(holder, look);
    const sites = holder.stack as readonly NodeJS.CallSite[]; // what prepareStackTrace answers
    const frames: string[] = [];
    for (const site of sites) {
      const file = fileOf(site.getFileName());
      if (file === null || isOwn(file)) continue;
      frames.push(`${shortened(file)}:${site.getLineNumber() ?? 0}`.slice(-LONGEST_FRAME));
      if (frames.length === FRAMES_KEPT) break;
    }
    return frames;
  } catch {
    return NOTHING;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    // Absent where nobody has set one, which Node's types do not say.
    if (prepareStackTrace === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Reflect.set(Error, 'prepareStackTrace', prepareStackTrace);
  }
}

/** null: Node's own, a library's, or none. */
function fileOf(name: string | null | undefined): string | null {
  if (name == null || name.startsWith('node:') || name.includes('node_modules')) return null;
  if (!name.startsWith('file:')) return name.includes('/') || name.includes('\\') ? name : null;
  return fileURLToPath(name);
}

/** Within the directory that the application was started in: from there. */
function shortened(file: string): string {
  const root = `${process.cwd()}${sep}`;
  return file.startsWith(root) ? file.slice(root.length) : file;
}
