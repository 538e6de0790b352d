/** A control plane is killed with -9 at random points of changes, twenty times; `npm run torture` does it 500 times. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { tortureConfiguration } from '../support/config-torture.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { throwawayCluster } from '../support/postgres.ts';
import { random } from '../support/random.ts';

leakCheck(after);

test('killed while it changes the configuration: no version is lost, none is half, every instance runs one of them', async (t) => {
  const { url } = await metricDatabase(t, await throwawayCluster());
  const { versions, interrupted } = await tortureConfiguration(url, 20, random(5));
  assert.ok(versions > 20, `${versions} versions`);
  assert.ok(interrupted > 0, 'no kill hit a change under way');
});
