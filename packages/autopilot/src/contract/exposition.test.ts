import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { exposedMetrics, prometheusName } from './exposition.ts';
import { metrics } from './metrics.ts';

test('the guide names every metric as the table does', () => {
  const rows = exposedMetrics.map((metric) => {
    const { name, kind, family, description, parts } = metric;
    const label = Object.keys(parts[0]?.attributes ?? {}).map((key) => ` by \`${key.replaceAll('.', '_')}\``);
    const ending = kind === 'counter' ? '_total' : '';
    return `| \`${prometheusName(metric)}${ending}\` | \`${name}\` | ${kind} | ${family} | ${description}${label.join('')} |`;
  });
  const table = ['| Prometheus | OpenTelemetry | kind | family | what |', '|---|---|---|---|---|', ...rows].join('\n');
  const guide = readFileSync(new URL('../../../../docs/guides/metrics.md', import.meta.url), 'utf8');
  assert.ok(guide.includes(table), `docs/guides/metrics.md needs this table:\n${table}`);
});

test('every field that is exposed is one of the metric table, of the same kind', () => {
  for (const { family, kind, parts, name } of exposedMetrics) {
    if (family === 'overflow') continue;
    for (const { field } of parts) assert.equal(metrics[family][field]?.kind, kind, `${name}: ${field}`);
  }
});
