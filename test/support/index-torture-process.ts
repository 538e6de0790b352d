/** Rounds of killing for `npm run torture`: told how many and a seed, it writes what they came to. */
import { tortureIndexes } from './index-torture.ts';
import { withProgramDatabase } from './program-database.ts';
import { random } from './random.ts';

const [rounds = '50', seed = '1'] = process.argv.slice(2);
const startedAtMs = performance.now();
const found = await withProgramDatabase(
  async ({ url }) => await tortureIndexes(url, Number(rounds), random(Number(seed))),
);
console.log(
  JSON.stringify({ ...found, seed: Number(seed), seconds: Math.round((performance.now() - startedAtMs) / 1000) }),
);
