import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { formatSpan } from '../format/time.ts';
import { api } from '../session/api.ts';
import { Plot } from './plot.tsx';

const ASK_EVERY_MS = 5000;

/** The traffic of tests that are kept apart, of the last minutes; nothing while there is none. */
export function ApartTraffic({ service }: { readonly service: string }): ReactElement | null {
  const { data } = useQuery({
    queryKey: ['apart-traffic', service],
    queryFn: ({ signal }) =>
      api.getMetrics({ service, kind: 'test', measure: ['requestRate', 'p50Ms', 'p95Ms', 'errorRatio'] }, { signal }),
    refetchInterval: ASK_EVERY_MS,
  });
  const { at = [], columns = {} } = data?.frame ?? {};
  const rates = columns['requestRate'] ?? [];
  const end = at.at(-1);
  if (end === undefined || !rates.some((rate) => rate !== null && rate > 0)) return null;
  const line = (name: string, column: string) => ({
    name,
    points: at.map((time, index) => ({ x: time - end, y: columns[column]?.[index] ?? null })),
  });
  return (
    <section aria-label="Test traffic, kept apart" className="load-plots">
      <Plot
        title="Test traffic, kept apart: requests a second"
        lines={[line('requests', 'requestRate')]}
        x={ago}
        y={(value) => formatQuantity('average', value)}
      />
      <Plot
        title="Test traffic, kept apart: duration"
        lines={[line('p50', 'p50Ms'), line('p95', 'p95Ms')]}
        x={ago}
        y={(value) => formatQuantity('duration', value)}
      />
    </section>
  );
}

function ago(ms: number): string {
  return ms === 0 ? 'now' : `-${formatSpan(-ms)}`;
}
