/** Settings of the server that are kept for a role, where the server itself may not be changed. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ObservedDatabase } from '../../packages/autopilot/src/postgres/observed-database.ts';
import { readStatementTimeouts } from '../../packages/autopilot/src/postgres/read-statement-timeouts.ts';
import { MemoryJournal } from '../../packages/autopilot/src/storage/memory/memory-journal.ts';
import { Orders } from '../../packages/autopilot/src/tune/orders.ts';
import { ValuesActuator, type ValuesChange } from '../../packages/autopilot/src/tune/values-actuator.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, throwawayCluster } from '../support/postgres.ts';

leakCheck(after);

test('what a role has is set, read and taken back', async (t) => {
  const { url } = await databaseFor(t, { server: await throwawayCluster() });
  const actuator = new ValuesActuator('server-settings', () => url);
  const journal = new MemoryJournal();
  const onTrouble = (message: string): void => assert.fail(message);
  const orders = new Orders({ journal, actuators: [actuator], guards: [], onTrouble });
  const change: ValuesChange = {
    kind: 'server-settings',
    service: 'orders',
    subject: 'statement_timeout of the role',
    author: 'ann',
    origin: 'person',
    database: 'main',
    place: { kind: 'role' },
    values: [{ name: 'statement_timeout', value: '45s' }],
  };
  await using observed = new ObservedDatabase(url);
  const role = new URL(url.replace(/@[^/]*/, '@server')).username;
  const timeout = async (): Promise<unknown> => await readStatementTimeouts(observed, [role]);
  assert.deepEqual(await timeout(), [{ role, timeoutMs: 0, setBy: 'the server' }]);
  await orders.carryOut(change, actuator);
  assert.deepEqual(await timeout(), [{ role, timeoutMs: 45_000, setBy: `the role ${role}` }]);
  const [made] = await journal.history('orders', 1);
  if (made !== undefined) await orders.revert(made, 'Enough.');
  assert.deepEqual(await timeout(), [{ role, timeoutMs: 0, setBy: 'the server' }]);
});
