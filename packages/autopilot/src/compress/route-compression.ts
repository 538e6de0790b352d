import { RouteCosts } from './coding-policy.ts';

/** What a route says about its answers. */
export interface RouteCompressionOptions {
  /** false: they go as they are. */
  readonly compress?: boolean;
  /**
   * 'public': they are the same for everybody who asks, and one may be the dictionary of the next (RFC 9842). Never say it
   * of what depends on who asks.
   */
  readonly dictionary?: 'public';
  /** true: they hold a secret beside something that the request says, so their length is hidden. */
  readonly secrets?: boolean;
}

/** A new length of a stream counts for a quarter. */
const STREAM_WEIGHT = 1 / 4;

/** What is known of a route's answers. */
export class RouteCompression {
  /** Method and pattern; null: its answers are not counted. */
  readonly name: string | null;
  readonly options: RouteCompressionOptions;
  readonly costs: RouteCosts = new RouteCosts();
  /** How long its streams are; null: none has ended yet. */
  #streamBytes: number | null = null;
  /** Names of its series, by outcome: made once. */
  readonly #seriesKeys = new Map<string, string>();

  constructor(name: string | null, options: RouteCompressionOptions = {}) {
    this.name = name;
    this.options = options;
  }

  /** How long a stream of unknown length is likely to be; null: nobody knows. */
  get streamBytes(): number | null {
    return this.#streamBytes;
  }

  learnStream(bytes: number): void {
    this.#streamBytes =
      this.#streamBytes === null ? bytes : this.#streamBytes + (bytes - this.#streamBytes) * STREAM_WEIGHT;
  }

  /** What answers of this outcome are counted under; `name` is not null. */
  seriesKey(outcome: string): string {
    const known = this.#seriesKeys.get(outcome);
    if (known !== undefined) return known;
    const key = `${outcome} ${this.name ?? ''}`;
    this.#seriesKeys.set(outcome, key);
    return key;
  }
}
