/** Headers for `npm run torture -- accept-encoding`: told how many and a seed, it writes what came of them; a wrong reading fails. */
import { fuzzAcceptEncoding } from './accept-encoding-fuzz.ts';
import { random } from './random.ts';

const [headers = '1000', seed = '1'] = process.argv.slice(2);
const found = fuzzAcceptEncoding(Number(headers), random(Number(seed)));
console.log(JSON.stringify({ ...found, seed: Number(seed) }));
if (found.wrong.length > 0) {
  console.error(`Read as they do not say: ${JSON.stringify(found.wrong)}`);
  process.exitCode = 1;
}
