import { AutopilotError } from '../kernel/errors.ts';
import type { LoadReport } from './load-report.ts';
import { mergeLoadResults } from './merge-results.ts';
import { judgeDrift } from './soak.ts';
import { judgeSpike } from './spike.ts';

/**
 * The report of a test that several machines ran together, each its share of one plan.
 * @throws AutopilotError AP_LOAD_RESULTS_DIFFER for reports of different tests, or of stress tests
 */
export function mergeLoadReports(reports: readonly LoadReport[]): LoadReport {
  const result = mergeLoadResults(reports.map((report) => report.result));
  const kinds = [...new Set(reports.map(({ kind }) => kind))];
  const [kind = 'load'] = kinds;
  if (kinds.length > 1 || kind === 'stress') {
    throw new AutopilotError(
      'AP_LOAD_RESULTS_DIFFER',
      kind === 'stress'
        ? 'A stress test decides at each level what comes next, and is run by one machine.'
        : `These results are not of one test: they are of the kinds ${kinds.join(' and ')}.`,
      { remedy: 'Merge the reports of machines that ran one plan as one kind of test.' },
    );
  }
  const vitals = reports.map((report) => report.vitals).find((samples) => samples.length > 0) ?? [];
  return {
    format: 1,
    kind,
    result,
    vitals,
    little: { state: 'not-judged', reason: 'What was under way at once was looked at by each machine for itself.' },
    drift: kind === 'soak' ? judgeDrift(result, vitals) : null,
    spike: kind === 'spike' ? judgeSpike(result) : null,
    stress: null,
    untried: (reports[0]?.untried ?? []).filter((name) => reports.every(({ untried }) => untried.includes(name))),
  };
}
