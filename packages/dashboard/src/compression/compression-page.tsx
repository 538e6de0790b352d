import { useQuery } from '@tanstack/react-query';
import type { CodingUse, CompressionStats, RouteCompressionStats } from '@teamflow/autopilot/contract';
import type { ReactElement, ReactNode } from 'react';
import { TimeChart } from '../chart/time-chart.tsx';
import { formatQuantity } from '../format/quantity.ts';
import { failureOf } from '../live/shared-stream.ts';
import { LimitNotes } from '../overview/limit-notes.tsx';
import { RouteName } from '../overview/route-name.tsx';
import { useRangeView } from '../range/range-view.tsx';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { useAbout } from '../usage/use-about.ts';
import { compressionCharts } from './compression-charts.ts';
import '../overview/overview.css';
import '../overview/tables.css';
import '../route/route.css';
import '../usage/usage.css';

/** The most that one answer holds. */
const MOST_ROWS = 200;

/** How answers were compressed, what that cost and saved, and why others were not. */
export function CompressionPage(): ReactElement {
  const { scope: pageScope } = useRangeView();
  const { key, ask, every } = useAbout();
  const { data, error, refetch } = useQuery({
    queryKey: ['compression', key],
    queryFn: ({ signal }) => api.getCompressionStats({ ...ask(), limit: MOST_ROWS }, { signal }),
    refetchInterval: every,
    placeholderData: (before) => before,
  });
  if (error !== null && data === undefined) {
    const again = (): void => void refetch();
    return <ProblemPanel title="Compression can not be shown" failure={failureOf(error)} onRetry={again} />;
  }
  // This page has no earlier range beside its own.
  const scope = { ...pageScope, comparedWith: null };
  return (
    <div className="route-page" aria-busy={data === undefined}>
      {data !== undefined && (data.notes.length > 0 || data.overflow > 0) && (
        <LimitNotes
          notes={data.notes}
          overflow={data.overflow > 0 ? { compression: data.overflow } : {}}
          isLoud={!data.complete}
        />
      )}
      <section className="card" aria-labelledby="compression-title">
        <header className="card-head">
          <h1 className="card-title" id="compression-title" tabIndex={-1}>
            Compression
          </h1>
        </header>
        <dl className="resource-facts numbers">
          {factsOf(data).map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <h2 className="visually-hidden">Over time</h2>
      <div className="chart-grid">
        {compressionCharts.map((chart) => (
          <TimeChart key={chart.id} definition={chart} frame={data?.trend} scope={scope} />
        ))}
      </div>
      <Table
        id="compression-codings"
        title="How answers were compressed"
        heads={['Coding', 'Answers', 'From the cache', 'Before', 'After', 'Size', 'CPU time', 'Wait p95']}
        rows={data?.codings.map((use) => [
          nameOf(use),
          formatQuantity('count', Math.round(use.answers)),
          formatQuantity('count', Math.round(use.cachedAnswers)),
          formatQuantity('bytes', use.bytesIn),
          formatQuantity('bytes', use.bytesOut),
          formatQuantity('ratio', use.ratio),
          formatQuantity('duration', use.cpuMs),
          formatQuantity('duration', use.addedP95Ms),
        ])}
        empty="No answer was compressed in this time."
      />
      <Table
        id="compression-reasons"
        title="Why others were not"
        heads={['Reason', 'Answers', 'Bytes']}
        rows={data?.reasons.map(({ reason, description, answers, bytes }) => [
          <>
            {reason}
            <div className="card-note">{description}</div>
          </>,
          formatQuantity('count', Math.round(answers)),
          formatQuantity('bytes', bytes),
        ])}
        empty="Every answer was compressed."
      />
      <Table
        id="compression-routes"
        title="By route"
        heads={['Route', 'Answers', 'Before', 'After', 'Saved', 'CPU time', 'Most of them']}
        rows={data?.routes.map((route) => [
          <RouteName key="route" route={route.route} />,
          formatQuantity('count', Math.round(route.answers)),
          formatQuantity('bytes', route.bytesIn),
          formatQuantity('bytes', route.bytesOut),
          formatQuantity('ratio', route.savedShare),
          formatQuantity('duration', route.cpuMs),
          usualOf(route),
        ])}
        empty="No answer with content in this time."
      />
    </div>
  );
}

interface TableProps {
  readonly id: string;
  readonly title: string;
  readonly heads: readonly string[];
  /** The first cell of each names it. Absent while nothing has come. */
  readonly rows: readonly (readonly ReactNode[])[] | undefined;
  readonly empty: string;
}

function Table({ id, title, heads, rows, empty }: TableProps): ReactElement {
  return (
    <section className="card table-card" id={id} aria-labelledby={`${id}-title`}>
      <header className="card-head">
        <h2 className="card-title" id={`${id}-title`}>
          {title}
        </h2>
      </header>
      <div className="table-scroll">
        <table className="numbers usage-table">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows?.map(([name, ...cells], index) => (
              // Rows have no other name than their place: they are drawn anew with each answer.
              <tr key={index}>
                <th scope="row">{name}</th>
                {cells.map((cell, column) => (
                  <td key={heads[column + 1]}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows?.length === 0 && <p className="card-empty">{empty}</p>}
    </section>
  );
}

function nameOf({ coding, level }: CodingUse): string {
  return `${coding} ${level}`;
}

/** What became of most of a route's answers. */
function usualOf({ codings: [coding], reasons: [reason] }: RouteCompressionStats): string {
  if (coding === undefined) return reason?.reason ?? '';
  return reason === undefined || coding.answers >= reason.answers ? nameOf(coding) : reason.reason;
}

function factsOf(data: CompressionStats | undefined): readonly (readonly [label: string, value: string])[] {
  const whole = data?.whole;
  const share = whole === undefined || whole.answers === 0 ? null : whole.compressedAnswers / whole.answers;
  const saved = whole === undefined || whole.answers === 0 ? null : (whole.bytesSaved / whole.answers) * 1_000;
  return [
    ['Answers', formatQuantity('count', whole === undefined ? null : Math.round(whole.answers))],
    ['Compressed', formatQuantity('ratio', share)],
    ['Bytes before', formatQuantity('bytes', whole?.bytesIn)],
    ['Bytes after', formatQuantity('bytes', whole?.bytesOut)],
    ['Saved', formatQuantity('ratio', whole?.savedShare)],
    ['Saved per 1,000', formatQuantity('bytes', saved)],
    ['CPU time', formatQuantity('duration', whole?.cpuMs)],
  ];
}
