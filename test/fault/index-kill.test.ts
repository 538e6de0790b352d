/** A process that builds indexes is killed with -9 at random points, and the server under it, twenty times; `npm run torture` does it 1,000 times. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { tortureIndexes } from '../support/index-torture.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { throwawayCluster } from '../support/postgres.ts';
import { random } from '../support/random.ts';
import { twoTuners } from '../support/two-tuners.ts';

leakCheck(after);

test('killed while it builds, drops and vacuums: no index is half there, none is unknown to the journal, no order is stuck', async (t) => {
  const { url } = await metricDatabase(t, await throwawayCluster());
  const { left, serverKills, halfIndexes } = await tortureIndexes(url, 20, random(7));
  assert.ok((left['applying'] ?? 0) + (left['reverting'] ?? 0) > 0, `no kill hit a change: ${JSON.stringify(left)}`);
  assert.ok(halfIndexes > 0, 'no kill left an index half done');
  assert.ok(serverKills > 0, 'the server was never killed');
  const { begun, refused, tookOverS, state } = await twoTuners(url);
  assert.deepEqual([begun, refused], [1, 19], 'of a scope one trial is open, whoever begins it');
  assert.ok(tookOverS <= 10, `${tookOverS} s until the other one went on with it`);
  assert.equal(state, 'kept');
});
