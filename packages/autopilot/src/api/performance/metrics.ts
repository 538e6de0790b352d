import { type Measure, measures } from '../../contract/measures.ts';
import type { MetricsKind, MetricsQuery } from '../../contract/operations.ts';
import type { MetricsAnswer, MetricsBaseline } from '../../contract/performance.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { movedBack, shiftOf } from '../../query/baseline.ts';
import type { Subject } from '../../query/query-engine.ts';
import { presentOf, steppedRange } from '../../query/time-range.ts';
import { baselineHead, laidOver } from './baseline-head.ts';
import { tailOf } from './frame-tail.ts';
import { releasesWithin } from './releases.ts';
import { type PerformanceSources, scopeOf, suggestion } from './sources.ts';

const LOOK_BACK_MS = 5 * 60_000;
/** A name is known that was measured in the range that is asked about, or within the hour. */
const REMEMBERED_MS = 60 * 60_000;

const allMeasures: readonly Measure[] = Object.keys(measures) as Measure[]; // the keys of a record by Measure

/** The parameter that names one series of a kind; `runtime` has but one. */
const keyParameters = ['route', 'tenant', 'statement', 'pool', 'job', 'test'] as const satisfies readonly MetricsKind[];

/** A question that was found to make sense, and can be asked again each second. */
export interface MetricsQuestion {
  readonly subject: Subject;
  readonly key: string | null;
  readonly asked: readonly Measure[];
  /** Absent: the range follows the present. */
  readonly from?: number;
  readonly to?: number;
  readonly lookBackMs: number;
  readonly stepMs?: number;
  /** How much earlier the range lies that it is compared with. */
  readonly compareMs?: number;
}

/**
 * Checks a question once, whatever may be wrong with it.
 * @throws AutopilotError AP_PARAMETER_INVALID, AP_SERVICE_UNKNOWN, AP_SERIES_UNKNOWN, AP_RANGE_INVALID
 */
export async function metricsQuestion(
  sources: PerformanceSources,
  query: MetricsQuery,
  follows: boolean,
): Promise<MetricsQuestion> {
  const { clock, engine } = sources;
  const subject: Subject = { ...scopeOf(sources, query), family: query.kind };
  const key = keyOf(query);
  const asked = measuresOf(query);
  const now = clock.now();
  const extent = await engine.extent(subject.service, now);
  const from = query.from === undefined ? undefined : Date.parse(query.from);
  const to = query.to === undefined ? undefined : Date.parse(query.to);
  if (follows && to !== undefined) {
    throw new AutopilotError('AP_PARAMETER_INVALID', 'A live stream takes no `to`: it follows the present.', {
      remedy: 'Leave `to` out, or ask for application/json.',
    });
  }
  if (follows && query.compare !== undefined) {
    throw new AutopilotError('AP_PARAMETER_INVALID', 'A live stream takes no `compare`: the past does not change.', {
      remedy: 'Ask for application/json beside the stream; its `baseline` lies over the frame of the stream.',
    });
  }
  // Refuses what can't be answered before anything is read.
  const range = steppedRange({ from, to, stepMs: query.step }, LOOK_BACK_MS, extent, now);
  if (key !== null) {
    const remembered = { from: Math.min(range.from, now - REMEMBERED_MS), to: now, complete: true, notes: [] };
    const rows = await engine.rows(subject, remembered, [key], []);
    if (rows.length === 0) {
      const known = await engine.top(subject, remembered, asked[0] ?? 'requests', 1000);
      const names = known.map(({ series }) => series.key);
      throw new AutopilotError(
        'AP_SERIES_UNKNOWN',
        `Nothing was measured since ${new Date(remembered.from).toISOString()} for the ${query.kind} ${JSON.stringify(key)} of ${subject.service}.`,
        { remedy: suggestion(key, names, `names of kind ${query.kind}`) },
      );
    }
  }
  const stepMs = query.step ?? (follows ? range.stepMs : undefined);
  return {
    subject,
    key,
    asked,
    lookBackMs: from === undefined ? LOOK_BACK_MS : presentOf(extent, now) - from,
    ...(from === undefined || follows ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(stepMs === undefined ? {} : { stepMs }),
    ...(query.compare === undefined ? {} : { compareMs: query.compare }),
  };
}

/** GET /performance/metrics */
export async function getMetrics(
  sources: PerformanceSources,
  { subject, key, asked, from, to, lookBackMs, stepMs, compareMs }: MetricsQuestion,
): Promise<MetricsAnswer> {
  const { clock, engine } = sources;
  const now = clock.now();
  const extent = await engine.extent(subject.service, now);
  const range = steppedRange({ from, to, stepMs }, lookBackMs, extent, now);
  const baselineFrame = async (earlierMs: number): Promise<MetricsBaseline> => {
    const shiftMs = shiftOf(earlierMs, range);
    const before = movedBack(range, shiftMs, extent);
    const frame = await engine.frame(subject, key, before, asked);
    return { ...baselineHead({ range: before, shiftMs }), frame: laidOver(frame, shiftMs) };
  };
  return {
    service: subject.service,
    kind: subject.family,
    ...(key === null ? {} : { key }),
    frame: await engine.frame(subject, key, range, asked),
    units: Object.fromEntries(asked.map((measure) => [measure, measures[measure].unit])),
    releases: await releasesWithin(sources, subject.service, range),
    notes: range.notes,
    ...(compareMs === undefined ? {} : { baseline: await baselineFrame(compareMs) }),
  };
}

/** An answer as a stream's later events have it. */
export function metricsTail(answer: MetricsAnswer, before: MetricsAnswer): MetricsAnswer {
  return { ...answer, frame: tailOf(answer.frame, before.frame) };
}

function keyOf(query: MetricsQuery): string | null {
  for (const name of keyParameters) {
    if (query[name] !== undefined && query.kind !== name) {
      throw new AutopilotError(
        'AP_PARAMETER_INVALID',
        `${name} names one series of kind ${name}, but kind is ${query.kind}.`,
        { remedy: `Ask with kind=${name}, or leave ${name} out: families are not combined.` },
      );
    }
  }
  return query.kind === 'runtime' || query.kind === 'compression' ? null : (query[query.kind] ?? null);
}

function measuresOf({ kind, measure }: MetricsQuery): readonly Measure[] {
  const ofKind = allMeasures.filter((name) => measures[name].families.includes(kind));
  if (measure === undefined) return ofKind;
  const foreign = measure.filter((name) => !ofKind.includes(name));
  if (foreign.length > 0) {
    throw new AutopilotError('AP_PARAMETER_INVALID', `Not measured of kind ${kind}: ${foreign.join(', ')}.`, {
      remedy: `Measures of kind ${kind}: ${ofKind.join(', ')}.`,
    });
  }
  return [...new Set(measure)];
}
