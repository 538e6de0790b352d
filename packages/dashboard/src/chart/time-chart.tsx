import { useComputedColorScheme } from '@mantine/core';
import type { EpochMs, Frame } from '@teamflow/autopilot/contract';
import { type ReactElement, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { clockTime } from '../format/time.ts';
import { TableIcon } from '../shell/icons.tsx';
import { type AlignedValues, alignedValues } from './chart-data.ts';
import { ChartLegend } from './chart-legend.tsx';
import { type CursorPlace, chartOptions, forgetTokens } from './chart-options.ts';
import { ChartTable } from './chart-table.tsx';
import { chartText } from './chart-text.ts';
import type { ChartDefinition } from './series.ts';
import 'uplot/dist/uPlot.min.css';
import './chart.css';

export interface TimeChartProps {
  /** Constant: the drawing is set up from it once. */
  readonly definition: ChartDefinition;
  /** Absent while nothing has come: the chart keeps its place. */
  readonly frame: Frame | undefined;
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Since when nobody answers; the time from then on is shaded. Null: somebody does. */
  readonly silentSince: EpochMs | null;
}

const NO_DATA: Frame = { at: [], stepMs: 1000, columns: {}, complete: true };

/** Lines over time, with their latest values (or those under the cursor), a text alternative and a table. */
export function TimeChart({ definition, frame, from, to, silentSince }: TimeChartProps): ReactElement {
  const [isTable, setTable] = useState(false);
  const [cursor, setCursor] = useState<CursorPlace | null>(null);
  const columns = useMemo(() => definition.series.map(({ column }) => column), [definition]);
  const values = useMemo(() => alignedValues(frame ?? NO_DATA, columns, from, to), [frame, columns, from, to]);
  const at = cursor === null ? undefined : values[0][cursor.index];
  const isEmpty = frame !== undefined && values.slice(1).every((column) => column.every((value) => value === null));

  return (
    <section className="card chart" id={definition.id} aria-labelledby={`${definition.id}-title`}>
      <header className="chart-head">
        <h3 className="card-title" id={`${definition.id}-title`}>
          {definition.title}
        </h3>
        <ChartLegend definition={definition} values={values} index={cursor?.index ?? null} />
        <button
          type="button"
          className="quiet-button chart-table-button"
          aria-pressed={isTable}
          aria-label={`${definition.title} as a table`}
          title={isTable ? 'Show as a chart' : 'Show as a table'}
          onClick={() => setTable(!isTable)}
        >
          <TableIcon />
        </button>
      </header>
      <div className="chart-body">
        {isTable ? (
          <ChartTable definition={definition} values={values} />
        ) : (
          <Plot {...{ definition, values, from, to, silentSince }} onCursor={setCursor} />
        )}
        {at !== undefined && cursor !== null && (
          <span className="chart-time numbers" style={{ left: cursor.left }} aria-hidden="true">
            {clockTime(at * 1000)}
          </span>
        )}
        {isEmpty && !isTable && <p className="chart-empty">Nothing measured in this range</p>}
      </div>
    </section>
  );
}

interface PlotProps {
  readonly definition: ChartDefinition;
  readonly values: AlignedValues;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly silentSince: EpochMs | null;
  readonly onCursor: (cursor: CursorPlace | null) => void;
}

function Plot({ definition, values, from, to, silentSince, onCursor }: PlotProps): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const silence = useRef(silentSince);
  const scheme = useComputedColorScheme();

  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const options = chartOptions(definition, element.clientWidth, onCursor, () => silence.current);
    const made = new uPlot(options, undefined, element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height: made.height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
      onCursor(null);
    };
  }, [definition, onCursor]);

  useLayoutEffect(() => {
    const made = plot.current;
    if (made === null) return;
    silence.current = silentSince;
    made.batch(() => {
      made.setData(values, false);
      made.setScale('x', { min: from / 1000, max: to / 1000 });
    });
  }, [values, from, to, silentSince]);

  useEffect(() => {
    forgetTokens();
    plot.current?.redraw(false);
    // The scheme is not read here: its colours are, when the plot draws.
  }, [scheme]);

  return <div className="chart-plot" ref={place} role="img" aria-label={chartText(definition, values)} />;
}
