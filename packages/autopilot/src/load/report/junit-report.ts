import { type LoadReport, passed } from '../load-report.ts';
import { escapeXml } from './escape.ts';
import { count } from './figures.ts';

/** A report as JUnit XML, which continuous integration systems show: a test case for each threshold and for the run itself. */
export function junitReport(report: LoadReport): string {
  const { kind, result, drift, stress } = report;
  const cases: { readonly name: string; readonly failure: string | null }[] = [
    {
      name: 'the run ends in order',
      failure: kind === 'stress' || result.stop === null ? null : result.stop.message,
    },
    {
      name: 'the generator kept up',
      failure: result.valid || kind === 'stress' ? null : result.invalidReasons.join(' '),
    },
    ...(kind === 'stress' ? [] : result.thresholds).map(({ threshold, value, met }) => ({
      name: threshold,
      failure: met ? null : value === null ? 'nothing was measured' : `it is ${Number(value.toPrecision(4))}`,
    })),
  ];
  if (drift !== null) {
    cases.push({
      name: 'nothing drifts',
      failure: drift.verdict === 'drifts' ? drift.reasons.join(' ') : null,
    });
  }
  if (stress !== null) {
    cases.push({
      name: `the knee under ${stress.objective.join(', ')}`,
      failure: passed(report) ? null : (stress.reason ?? 'it was not found'),
    });
  }
  const seconds = (result.warmupMs + result.measured.durationMs) / 1000;
  const failures = cases.filter(({ failure }) => failure !== null).length;
  const lines = cases.map(({ name, failure }) => {
    const head = `    <testcase classname="${escapeXml(`load.${kind}.${result.name}`)}" name="${escapeXml(name)}"`;
    return failure === null
      ? `${head}/>`
      : `${head}>\n      <failure message="${escapeXml(failure)}"/>\n    </testcase>`;
  });
  const { measured } = result;
  const told = `${count(measured.requests)} requests, ${count(measured.ratePerSecond)} done a second`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${cases.length}" failures="${failures}">`,
    `  <testsuite name="${escapeXml(result.name)}" tests="${cases.length}" failures="${failures}" time="${seconds.toFixed(3)}" timestamp="${new Date(result.startedAt).toISOString()}">`,
    ...lines,
    `    <system-out>${escapeXml(told)}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}
