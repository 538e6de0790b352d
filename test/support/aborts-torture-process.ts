/** Downloads for `npm run torture -- aborts`: told how many, it goes away in the middle of each and writes what was left; anything that was fails. */
import { abortDownloads } from './aborted-downloads.ts';

/** Beyond what collections leave behind for a while. */
const MOST_GROWTH_BYTES = 32 * 1024 * 1024;

const [downloads = '1000'] = process.argv.slice(2);
const found = await abortDownloads(Number(downloads));
console.log(JSON.stringify(found));
const { openBodies, connections, heapGrowthBytes, rssGrowthBytes, codingAfter } = found;
if (
  openBodies > 0 ||
  connections > 0 ||
  codingAfter === 'none' ||
  Math.max(heapGrowthBytes, rssGrowthBytes) > MOST_GROWTH_BYTES
) {
  console.error(`Something was left: ${JSON.stringify(found)}`);
  process.exitCode = 1;
}
