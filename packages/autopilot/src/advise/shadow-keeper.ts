import type { Shadow } from '../planner/shadow.ts';
import { buildShadow, refreshShadow } from '../planner/shadow-build.ts';
import { shadowChanges, type TargetKnowledge } from '../planner/shadow-changes.ts';
import type { TargetCatalog } from '../planner/target-catalog.ts';
import type { TargetStatistics } from '../planner/target-statistics.ts';

/** How long a shadow that nobody uses is kept: its server takes 60 MB. */
const keepMs = 300_000;

/** A shadow for one use, given back by being disposed. */
export interface LentShadow extends AsyncDisposable {
  readonly shadow: Shadow;
}

/** One that is built and ends with its use. */
export async function shadowForOnce(catalog: TargetCatalog, statistics: TargetStatistics): Promise<LentShadow> {
  const shadow = await buildShadow(catalog, statistics);
  return { shadow, [Symbol.asyncDispose]: () => shadow[Symbol.asyncDispose]() };
}

/**
 * Keeps the shadow of one database between uses: the next one is brought up to date, of which sizes and statistics that changed are
 * all there is to do as long as nobody changed the schema, instead of being built in 2 s. Who comes while it is lent gets one built.
 */
export class ShadowKeeper {
  #kept: (TargetKnowledge & { readonly shadow: Shadow }) | null = null;
  #isLent = false;
  #isClosed = false;
  #cleaning: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  /** The shadow of what was read just now. */
  async lend(catalog: TargetCatalog, statistics: TargetStatistics): Promise<LentShadow> {
    if (this.#isLent || this.#isClosed) return await shadowForOnce(catalog, statistics);
    this.#isLent = true;
    try {
      await this.#cleaning;
      this.#stopTimer();
      const shadow = (await this.#refreshed(catalog, statistics)) ?? (await buildShadow(catalog, statistics));
      this.#kept = { shadow, catalog, statistics };
      return {
        shadow,
        [Symbol.asyncDispose]: () => {
          this.#isLent = false;
          // Whoever used it has what was asked for and need not wait.
          this.#cleaning = this.#clean(shadow);
          return Promise.resolve();
        },
      };
    } catch (error) {
      this.#isLent = false;
      throw error;
    }
  }

  /** Ends the one that is kept; one that is lent ends when it is given back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#cleaning;
    if (!this.#isLent) await this.#drop();
  }

  async #refreshed(catalog: TargetCatalog, statistics: TargetStatistics): Promise<Shadow | null> {
    if (this.#kept === null) return null;
    const changes = shadowChanges(this.#kept, { catalog, statistics });
    if (changes !== null) {
      try {
        const { shadow } = this.#kept;
        await refreshShadow(shadow, catalog, statistics, changes);
        return shadow;
      } catch {
        // Its server may have ended: another one is built.
      }
    }
    await this.#drop();
    return null;
  }

  async #clean(shadow: Shadow): Promise<void> {
    try {
      if (!this.#isClosed) await shadow.reset();
      if (this.#isClosed) await this.#drop();
    } catch {
      // Its server has ended, or is full: the next one is built.
      await this.#drop().catch(() => {});
    }
    if (this.#isLent || this.#kept === null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#isLent) this.#cleaning = this.#drop().catch(() => {});
    }, keepMs);
    this.#timer.unref();
  }

  async #drop(): Promise<void> {
    this.#stopTimer();
    const kept = this.#kept;
    this.#kept = null;
    await kept?.shadow[Symbol.asyncDispose]();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
