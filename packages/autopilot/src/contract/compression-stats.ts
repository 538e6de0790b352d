import type { SentCoding, UncodedReason } from './compression.ts';
import type { Frame } from './frame.ts';
import type { Page, Timestamp } from './performance.ts';

/** What became of some answers. */
export interface CompressionTotals {
  /** Those with content. */
  readonly answers: number;
  readonly compressedAnswers: number;
  /** Of their bodies as the routes made them. */
  readonly bytesIn: number;
  /** Of their bodies as they were sent. */
  readonly bytesOut: number;
  readonly bytesSaved: number;
  /** Share of the bytes that was saved, 0 to 1; null: there were none. */
  readonly savedShare: number | null;
  /** As measured on the event loop; in other threads and of streams as it is believed to take. */
  readonly cpuMs: number;
}

/** Answers that were sent in one coding, at one level. */
export interface CodingUse {
  readonly coding: SentCoding;
  readonly level: number;
  readonly answers: number;
  /** Of these, sent again as they had been compressed before. */
  readonly cachedAnswers: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes after of one before; null: there were none. */
  readonly ratio: number | null;
  readonly cpuMs: number;
  /** What answers waited for it, those that flow aside; null: none did. */
  readonly addedP50Ms: number | null;
  readonly addedP95Ms: number | null;
}

/** Answers that were sent as the route made them, for one reason. */
export interface ReasonCount {
  readonly reason: UncodedReason;
  readonly description: string;
  readonly answers: number;
  readonly bytes: number;
}

/** One route over the range. */
export interface RouteCompressionStats extends CompressionTotals {
  readonly route: string;
  /** Most answers first. */
  readonly codings: readonly CodingUse[];
  readonly reasons: readonly ReasonCount[];
}

/** GET /optimization/compression-stats */
export interface CompressionStats {
  readonly service: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly whole: CompressionTotals;
  readonly codings: readonly CodingUse[];
  readonly reasons: readonly ReasonCount[];
  /** Those with most bytes first. */
  readonly routes: readonly RouteCompressionStats[];
  /** compressionInRate, compressionOutRate and compressionBusy. */
  readonly trend: Frame;
  /** Answers beyond the agents' bound on series, which stand together as `(other)` and belong to no route here. */
  readonly overflow: number;
  /** false: the range reaches back beyond what is kept; `notes` say why. */
  readonly complete: boolean;
  readonly notes: readonly string[];
  /** Of the routes. */
  readonly page: Page;
}

/** Parameters of GET /optimization/compression-stats. */
export interface CompressionStatsQuery {
  readonly service?: string;
  readonly instance?: string;
  readonly release?: string;
  /** RFC 3339; default five minutes before `to`. */
  readonly from?: string;
  /** RFC 3339; default now. */
  readonly to?: string;
  readonly limit?: number;
  readonly cursor?: string;
}
