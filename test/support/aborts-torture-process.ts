/**
 * Downloads for `npm run torture -- aborts`: told how many, it goes away in the middle of each and writes what was left;
 * anything that was fails. What leaks adds to every part of them, and what an allocator keeps or gives back to some: so the
 * growth of the part in the middle is judged, by the download. One codec that stays takes 100 KB and more.
 */
import { median } from '../../bench/result.ts';
import { abortDownloads, type MemoryGrowth } from './aborted-downloads.ts';

/** What one download may leave: one in a few hundred that leaves its codec is over it. */
const MOST_BYTES: Readonly<MemoryGrowth> = { heapBytes: 200, externalBytes: 500, residentBytes: 4_000 };

const [count = '1000'] = process.argv.slice(2);
const found = await abortDownloads(Number(count));
const { downloads, openBodies, connections, growth, codingAfter } = found;
const each = Math.max(1, downloads / (growth.length + 1));
const byDownload = {
  heapBytes: Math.round(median(growth.map(({ heapBytes }) => heapBytes)) / each),
  externalBytes: Math.round(median(growth.map(({ externalBytes }) => externalBytes)) / each),
  residentBytes: Math.round(median(growth.map(({ residentBytes }) => residentBytes)) / each),
};
const written = JSON.stringify({ ...found, byDownload });
console.log(written);
const isGrowing =
  byDownload.heapBytes > MOST_BYTES.heapBytes ||
  byDownload.externalBytes > MOST_BYTES.externalBytes ||
  byDownload.residentBytes > MOST_BYTES.residentBytes;
if (openBodies > 0 || connections > 0 || codingAfter === 'none' || isGrowing) {
  console.error(`Something was left: ${written}`);
  process.exitCode = 1;
}
