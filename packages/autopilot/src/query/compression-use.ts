import { type SentCoding, type UncodedReason, uncodedReasons } from '../contract/compression.ts';
import type { CodingUse, CompressionTotals, ReasonCount } from '../contract/compression-stats.ts';
import type { MeasureValues, QueryEngine } from './query-engine.ts';
import type { Scope } from './summaries.ts';
import type { TimeRange } from './time-range.ts';

const MEASURED = [
  'compressionAnswers',
  'compressionBytesIn',
  'compressionBytesOut',
  'compressionCpuMs',
  'compressionAddedP50Ms',
  'compressionAddedP95Ms',
] as const;
type Measured = MeasureValues<(typeof MEASURED)[number]>;

/** What became of some answers, with how and why. */
export interface CompressionUse {
  readonly totals: CompressionTotals;
  readonly codings: readonly CodingUse[];
  readonly reasons: readonly ReasonCount[];
}

/** How the answers of a service were compressed over a range. */
export interface ServiceCompression {
  readonly whole: CompressionUse;
  /** Those with most bytes first; of equal ones by name. */
  readonly routes: readonly (CompressionUse & { readonly route: string })[];
}

/**
 * Adds up the series of a service, whose keys are "zstd:1 GET /tasks" and "zstd:1:cached GET /tasks". Waits of several routes are not merged here:
 * those of the whole are the highest of any route.
 */
export async function compressionUse(engine: QueryEngine, scope: Scope, range: TimeRange): Promise<ServiceCompression> {
  const subject = { ...scope, family: 'compression' } as const;
  const named = await engine.top(subject, range, 'compressionAnswers', Number.POSITIVE_INFINITY);
  const keys = named.filter(({ value }) => value !== null && value > 0).map(({ series }) => series.key);
  const rows = keys.length === 0 ? [] : await engine.rows(subject, range, keys, MEASURED);
  const whole = new UseSum();
  const routes = new Map<string, UseSum>();
  for (const { series, values } of rows) {
    const space = series.key.indexOf(' ');
    whole.add(space < 0 ? series.key : series.key.slice(0, space), values);
    if (space < 0) continue;
    const route = series.key.slice(space + 1);
    const sum = routes.get(route) ?? new UseSum();
    sum.add(series.key.slice(0, space), values);
    routes.set(route, sum);
  }
  return {
    whole: whole.use(),
    routes: Array.from(routes, ([route, sum]) => ({ route, ...sum.use() })).sort(
      (a, b) => b.totals.bytesIn - a.totals.bytesIn || (a.route < b.route ? -1 : 1),
    ),
  };
}

/** Adds up what is told of outcomes. */
class UseSum {
  #answers = 0;
  #compressed = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #cpuMs = 0;
  readonly #codings = new Map<string, CodingUse>();
  readonly #reasons = new Map<UncodedReason, ReasonCount>();

  add(outcome: string, values: Measured): void {
    const answers = values.compressionAnswers ?? 0;
    const bytesIn = values.compressionBytesIn ?? 0;
    const bytesOut = values.compressionBytesOut ?? 0;
    const cpuMs = values.compressionCpuMs ?? 0;
    this.#answers += answers;
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytesOut;
    this.#cpuMs += cpuMs;
    if (isReason(outcome)) {
      const before = this.#reasons.get(outcome);
      this.#reasons.set(outcome, {
        reason: outcome,
        description: uncodedReasons[outcome],
        answers: answers + (before?.answers ?? 0),
        bytes: bytesIn + (before?.bytes ?? 0),
      });
      return;
    }
    const [coding, level = '', cached] = outcome.split(':');
    // "(other)" has a share of everything and is neither.
    if (coding === undefined || !isCoding(coding)) return;
    this.#compressed += answers;
    const name = `${coding}:${level}`;
    const before = this.#codings.get(name);
    const all = { in: bytesIn + (before?.bytesIn ?? 0), out: bytesOut + (before?.bytesOut ?? 0) };
    this.#codings.set(name, {
      coding,
      level: Number(level),
      answers: answers + (before?.answers ?? 0),
      cachedAnswers: (cached === undefined ? 0 : answers) + (before?.cachedAnswers ?? 0),
      bytesIn: all.in,
      bytesOut: all.out,
      ratio: all.in === 0 ? null : all.out / all.in,
      cpuMs: cpuMs + (before?.cpuMs ?? 0),
      addedP50Ms: highest(before?.addedP50Ms ?? null, values.compressionAddedP50Ms),
      addedP95Ms: highest(before?.addedP95Ms ?? null, values.compressionAddedP95Ms),
    });
  }

  use(): CompressionUse {
    const bytesSaved = this.#bytesIn - this.#bytesOut;
    return {
      totals: {
        answers: this.#answers,
        compressedAnswers: this.#compressed,
        bytesIn: this.#bytesIn,
        bytesOut: this.#bytesOut,
        bytesSaved,
        savedShare: this.#bytesIn === 0 ? null : bytesSaved / this.#bytesIn,
        cpuMs: this.#cpuMs,
      },
      codings: [...this.#codings.values()].sort((a, b) => b.answers - a.answers),
      reasons: [...this.#reasons.values()].sort((a, b) => b.answers - a.answers),
    };
  }
}

function isReason(outcome: string): outcome is UncodedReason {
  return Object.hasOwn(uncodedReasons, outcome);
}

const codings: ReadonlySet<string> = new Set<SentCoding>(['zstd', 'br', 'gzip', 'deflate', 'dcz']);

function isCoding(name: string): name is SentCoding {
  return codings.has(name);
}

function highest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
