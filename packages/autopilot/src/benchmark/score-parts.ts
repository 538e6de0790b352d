import type { BenchmarkMeasure, BenchmarkPart, BenchmarkReport } from '../contract/benchmarks.ts';
import { median } from '../load/trend.ts';
import { type MeasureDefinition, suite } from './suite.ts';

/** The rounds of a measure, or why there are none. */
export type Rounds = readonly number[] | { readonly leftOut: string };

/** What was measured: rounds by "part/measure", and parts that were left out as a whole, with the reason. */
export interface Measured {
  readonly rounds: ReadonlyMap<string, Rounds>;
  readonly leftOut: ReadonlyMap<string, string>;
}

/**
 * Scores: of a measure 100 x value / reference (or its inverse where lower is better), of a part the geometric mean of its
 * measures, of all the geometric mean of the parts by their weights. A geometric mean, so that twice as fast counts the same
 * wherever it happens, and no unit weighs more than another.
 */
export function scoreParts({ rounds, leftOut }: Measured): Pick<BenchmarkReport, 'score' | 'composition' | 'parts'> {
  const parts = suite.map((part): BenchmarkPart => {
    const reason = leftOut.get(part.id) ?? null;
    const measures = part.measures.map((measure) =>
      scored(measure, rounds.get(`${part.id}/${measure.id}`) ?? { leftOut: reason ?? 'It was not measured.' }),
    );
    const scores = measures.flatMap(({ score }) => (score === null ? [] : [{ score, weight: 1 }]));
    const score = reason === null ? geometricMean(scores) : null;
    return {
      id: part.id,
      weight: part.weight,
      score,
      leftOut: score === null ? (reason ?? 'Nothing of it could be measured.') : null,
      measures,
    };
  });
  const present = parts.flatMap(({ score, weight }) => (score === null ? [] : [{ score, weight }]));
  return { score: geometricMean(present), composition: compositionOf(parts), parts };
}

function scored(measure: MeasureDefinition, rounds: Rounds): BenchmarkMeasure {
  const values = 'leftOut' in rounds ? [] : rounds.filter((value) => Number.isFinite(value) && value > 0);
  if (values.length === 0) {
    const why = 'leftOut' in rounds ? rounds.leftOut : 'It measured nothing.';
    return { ...measure, value: null, rounds: [], score: null, leftOut: why };
  }
  const value = median(values);
  const { better, reference } = measure;
  const score = 100 * (better === 'higher' ? value / reference : reference / value);
  return { ...measure, value, rounds: values, score, leftOut: null };
}

function compositionOf(parts: readonly BenchmarkPart[]): string {
  const present = parts.filter(({ score }) => score !== null);
  const absent = parts.filter(({ score }) => score === null).map(({ id }) => id);
  if (present.length === 0) return 'There is no score: nothing could be measured.';
  const whole = present.reduce((sum, { weight }) => sum + weight, 0);
  const shares = present.map(({ id, weight }) => `${id} ${Math.round((100 * weight) / whole)} %`).join(', ');
  const without = absent.length === 0 ? '' : ` Without ${absent.join(' and ')}.`;
  return `Geometric mean of ${shares}; each part the geometric mean of its measures, 100 is the reference.${without}`;
}

function geometricMean(values: readonly { readonly score: number; readonly weight: number }[]): number | null {
  const whole = values.reduce((sum, { weight }) => sum + weight, 0);
  if (whole === 0) return null;
  return Math.exp(values.reduce((sum, { score, weight }) => sum + weight * Math.log(score), 0) / whole);
}
