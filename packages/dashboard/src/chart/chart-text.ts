import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import { type AlignedValues, extentOf } from './chart-data.ts';
import type { ChartDefinition } from './series.ts';

/** What the chart shows, in words: each line's latest, least and most. */
export function chartText(definition: ChartDefinition, [seconds, ...values]: AlignedValues): string {
  const first = seconds[0];
  const last = seconds.at(-1);
  if (first === undefined || last === undefined) return `${definition.title}: no data in this range.`;
  const lines = definition.series.map(({ label, kind }, index) => {
    const { latest, least, most } = extentOf(values[index] ?? []);
    if (least === null) return `${label}: no data`;
    const range = `lowest ${formatQuantity(kind, least)}, highest ${formatQuantity(kind, most)}`;
    return `${label}: latest ${latest === null ? 'missing' : formatQuantity(kind, latest)}, ${range}`;
  });
  const rangeMs = (last - first) * 1000;
  const from = momentText(first * 1000, rangeMs);
  return `${definition.title} from ${from} to ${momentText(last * 1000, rangeMs)}. ${lines.join('. ')}.`;
}
