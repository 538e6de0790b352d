import type { BenchFindings, BenchOptions } from '../result.ts';
import { prometheusRun } from './prometheus-run.ts';
import { scrapeCost } from './scrape-cost.ts';

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** What exposing 10,000 series costs, and five minutes before two real Prometheus servers. */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const cost = await scrapeCost();
  const seconds = quick ? 20 : 300;
  const found = await prometheusRun(seconds, log);
  const longest = Math.max(
    ...cost.map(({ longestBlockMs }) => (typeof longestBlockMs === 'number' ? longestBlockMs : 0)),
  );
  return {
    rows: [...cost, ...found.rows],
    goals: [
      {
        goal: 'histogram_quantile on native histograms within 2.5 % of ours',
        measured: percent(found.largestNativeError),
        met: found.largestNativeError <= 0.025,
      },
      {
        goal: 'on classic buckets, 16 an octave, within their width of 4.4 %',
        measured: percent(found.largestClassicError),
        met: found.largestClassicError <= 2 ** (1 / 16) - 1,
      },
      { goal: 'no counter goes back', measured: `${found.resets} series did`, met: found.resets === 0 },
      {
        goal: 'both servers count what was sent',
        measured: `${found.requests} requests, off by ${found.miscounted}`,
        met: found.miscounted === 0,
      },
      {
        goal: 'every scrape succeeds',
        measured: `${found.failedScrapes} of ${found.scrapes} failed`,
        met: found.failedScrapes === 0,
      },
    ],
    notes: [
      `A scrape of 10,000 routes (130,000 to 440,000 lines as text) kept the event loop at most ${longest.toFixed(1)} ms at a time, collection of garbage included.`,
      `${seconds} s of load on one application with its control plane, scraped once a second by two Prometheus servers; ours: GET /performance/routes over the same time.`,
    ],
  };
}
