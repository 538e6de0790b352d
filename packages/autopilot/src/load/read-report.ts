import { AutopilotError, messageOf } from '../kernel/errors.ts';
import type { LoadReport } from './load-report.ts';

/**
 * Reads a report that a run has written.
 * @throws AutopilotError AP_LOAD_REPORT_INVALID
 */
export function parseLoadReport(text: string, source: string): LoadReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${source} is no JSON: ${messageOf(cause)}`, cause);
  }
  const report = value as Partial<LoadReport> | null; // looked at before it is believed
  if (report?.format !== 1 || typeof report.kind !== 'string' || !Array.isArray(report.result?.windows)) {
    throw invalid(`${source} is no report of a load test in format 1`);
  }
  return report as LoadReport; // nobody but this library writes the format
}

function invalid(reason: string, cause?: unknown): AutopilotError {
  return new AutopilotError('AP_LOAD_REPORT_INVALID', `${reason}.`, {
    remedy: 'Give a file that autopilot load run --json has written.',
    cause,
  });
}
