import { useComputedColorScheme } from '@mantine/core';
import type { Frame, TimeSpan } from '@teamflow/autopilot/contract';
import { type ReactElement, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { formatSpan, momentText } from '../format/time.ts';
import { TableIcon } from '../shell/icons.tsx';
import { type AlignedValues, alignedValues, earlierValues } from './chart-data.ts';
import { ChartLegend } from './chart-legend.tsx';
import { type ChartSight, type CursorPlace, chartOptions } from './chart-options.ts';
import { type ChartScope, missingInSight } from './chart-scope.ts';
import { ChartTable } from './chart-table.tsx';
import { chartText } from './chart-text.ts';
import { forgetTokens } from './chart-tokens.ts';
import type { ChartDefinition } from './series.ts';
import 'uplot/dist/uPlot.min.css';
import './chart.css';

export interface TimeChartProps {
  /** Constant: the drawing is set up from it once. */
  readonly definition: ChartDefinition;
  /** Absent while nothing has come: the chart keeps its place. */
  readonly frame: Frame | undefined;
  /** The same of an earlier range, with the times of the present one. */
  readonly earlier?: Frame | undefined;
  readonly scope: ChartScope;
}

const NO_DATA: Frame = { at: [], stepMs: 1000, columns: {}, complete: true };

/** Lines over time, with their latest values (or those under the cursor), a text alternative and a table. */
export function TimeChart({ definition, frame, earlier, scope }: TimeChartProps): ReactElement {
  const [isTable, setTable] = useState(false);
  const [cursor, setCursor] = useState<CursorPlace | null>(null);
  const { from, to, comparedWith } = scope;
  const columns = useMemo(() => definition.series.map(({ column }) => column), [definition]);
  const values = useMemo(() => alignedValues(frame ?? NO_DATA, columns, from, to), [frame, columns, from, to]);
  const isCompared = comparedWith !== null;
  const all = useMemo(
    (): AlignedValues => (isCompared ? [...values, ...earlierValues(earlier ?? NO_DATA, columns, values[0])] : values),
    [values, earlier, columns, isCompared],
  );
  const missing = useMemo(() => missingInSight(frame?.missing ?? [], scope), [frame, scope]);
  const at = cursor === null ? undefined : values[0][cursor.index];
  const isEmpty = frame !== undefined && values.slice(1).every((column) => column.every((value) => value === null));

  return (
    <section className="card chart" id={definition.id} aria-labelledby={`${definition.id}-title`}>
      <header className="chart-head">
        <h3 className="card-title" id={`${definition.id}-title`}>
          {definition.title}
        </h3>
        <ChartLegend
          definition={definition}
          values={values}
          index={cursor?.index ?? null}
          comparedWith={comparedWith}
        />
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
          <ChartTable definition={definition} values={all} comparedWith={comparedWith} />
        ) : (
          <Plot {...{ definition, values: all, scope, missing, isCompared }} onCursor={setCursor} />
        )}
        {at !== undefined && cursor !== null && (
          <span className="chart-time numbers" style={{ left: cursor.left }} aria-hidden="true">
            {momentText(at * 1000, to - from)}
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
  readonly scope: ChartScope;
  readonly missing: readonly TimeSpan[];
  readonly isCompared: boolean;
  readonly onCursor: (cursor: CursorPlace | null) => void;
}

function Plot({ definition, values, scope, missing, isCompared, onCursor }: PlotProps): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const sight = useRef<ChartSight>({ scope, missing, onCursor });
  const scheme = useComputedColorScheme();

  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const options = chartOptions(definition, element.clientWidth, isCompared, () => sight.current);
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
  }, [definition, isCompared, onCursor]);

  useLayoutEffect(() => {
    const made = plot.current;
    if (made === null) return;
    sight.current = { scope, missing, onCursor };
    // As many series as the drawing has: it was set up anew when that changed.
    if (values.length !== made.series.length) return;
    made.batch(() => {
      made.setData(values, false);
      made.setScale('x', { min: scope.from / 1000, max: scope.to / 1000 });
    });
  }, [values, scope, missing, onCursor]);

  useEffect(() => {
    forgetTokens();
    plot.current?.redraw(false);
    // The scheme is not read here: its colours are, when the plot draws.
  }, [scheme]);

  const label = `${chartText(definition, values)}${marksText(scope, missing)}`;
  return <div className="chart-plot" ref={place} role="img" aria-label={label} />;
}

/** What is drawn beside the lines, in words. */
function marksText({ releases, from, to }: ChartScope, missing: readonly TimeSpan[]): string {
  const inSight = releases.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) <= to);
  const marks = inSight.map(({ release, at }) => ` Release ${release} at ${momentText(Date.parse(at), to - from)}.`);
  const missingMs = missing.reduce((sum, span) => sum + span.to - span.from, 0);
  return marks.join('') + (missingMs === 0 ? '' : ` Nothing is known of ${formatSpan(missingMs)} of it.`);
}
