import type { BenchmarkComparison, BenchmarkFigure, BenchmarkReport } from '../contract/benchmarks.ts';

/** Changes within it are none: what one machine differs from itself on another day. */
const MARGIN = 0.05;

/**
 * What differs between two benchmarks. A figure differs when no round of one reaches any round of the other (with seven
 * rounds on each side chance does that once in 1,700 times) and its medians differ by more than 5 %.
 */
export function compareBenchmarks(
  before: BenchmarkReport | null,
  after: BenchmarkReport | null,
): Pick<BenchmarkComparison, 'verdict' | 'reasons' | 'figures'> {
  const nothing = (reason: string) => ({ verdict: 'not-comparable' as const, reasons: [reason], figures: [] });
  if (before === null || after === null) return nothing('One of them has no result.');
  if (before.suite !== after.suite) {
    return nothing(`They are of different versions of the suite, ${before.suite} and ${after.suite}.`);
  }
  const reasons: string[] = [];
  if (before.invalidReasons.length > 0) reasons.push(`The one before is not valid: ${before.invalidReasons.join(' ')}`);
  if (after.invalidReasons.length > 0) reasons.push(`This one is not valid: ${after.invalidReasons.join(' ')}`);
  for (const field of ['host', 'processor', 'cores', 'node', 'database'] as const) {
    const [was, is] = [before.machine[field], after.machine[field]];
    if (was !== is) reasons.push(`Another ${field}: ${was ?? 'none'} before, ${is ?? 'none'} now.`);
  }
  const figures = after.parts.flatMap((part) =>
    part.measures.flatMap((measure): BenchmarkFigure[] => {
      const other = before.parts.find(({ id }) => id === part.id)?.measures.find(({ id }) => id === measure.id);
      if (measure.value === null || other === undefined || other.value === null) return [];
      const low = Math.min(...measure.rounds) / Math.max(...other.rounds);
      const high = Math.max(...measure.rounds) / Math.min(...other.rounds);
      const change = measure.value / other.value;
      const grew = low > 1 && change > 1 + MARGIN;
      const shrank = high < 1 && change < 1 / (1 + MARGIN);
      const verdict = grew || shrank ? (grew === (measure.better === 'higher') ? 'better' : 'worse') : 'no-difference';
      const { id, unit, value } = measure;
      return [{ part: part.id, measure: id, unit, before: other.value, after: value, change, low, high, verdict }];
    }),
  );
  const left = after.parts.filter(({ id, score }) => {
    const was = before.parts.find((part) => part.id === id)?.score ?? null;
    return (score === null) !== (was === null);
  });
  for (const { id } of left)
    reasons.push(`Only one of them has measured ${id}: their scores are not of the same parts.`);
  if (figures.length === 0) return nothing('They have no figure in common.');
  // Figures stand as they are; a verdict over two that are not valid would be a guess.
  if (before.invalidReasons.length > 0 || after.invalidReasons.length > 0) {
    return { verdict: 'not-comparable', reasons, figures };
  }
  const better = figures.some((figure) => figure.verdict === 'better');
  const worse = figures.some((figure) => figure.verdict === 'worse');
  const verdict = better && worse ? 'mixed' : better ? 'better' : worse ? 'worse' : 'no-difference';
  return { verdict, reasons, figures };
}
