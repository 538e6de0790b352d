/**
 * Tries indexes and takes them back, vacuums, writes settings, and tries one of the application on an instance first, as fast as it goes, until it is killed. Waits for a line before it
 * begins, and says when it does.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import { IndexActuator } from '../../packages/autopilot/src/tune/index-actuator.ts';
import { MaintenanceActuator } from '../../packages/autopilot/src/tune/maintenance-actuator.ts';
import { Orders } from '../../packages/autopilot/src/tune/orders.ts';
import { ValuesActuator } from '../../packages/autopilot/src/tune/values-actuator.ts';
import { canaryTrial, canaryTried, promote, settingsActuator } from './canary-torture.ts';
import { indexTrial, settingsTried, tried } from './index-torture.ts';

const [url = ''] = process.argv.slice(2);
const journal = new PostgresJournal(url);
const [indexes, maintenance] = [new IndexActuator(() => url), new MaintenanceActuator(() => url)];
const settings = new ValuesActuator('server-settings', () => url);
const { actuator } = settingsActuator(url);
const actuators = [indexes, maintenance, settings, actuator];
const orders = new Orders({ journal, actuators, guards: [], onTrouble: () => {} });
await once(process.stdin, 'data');
// Who kills us may have failed: nobody is left to do it then.
process.stdin.once('end', () => process.exit(1)).resume();
console.log('begun');
for (;;) {
  try {
    const trial = indexTrial(randomUUID());
    await journal.write(trial);
    await orders.carryOut(tried, indexes, trial);
    const { service, author, origin } = tried;
    await orders.carryOut(
      {
        service,
        author,
        origin,
        subject: 'VACUUM public.task',
        kind: 'maintenance',
        job: 'none',
        database: 'main',
        schema: 'public',
        table: 'task',
        operation: 'vacuum',
        analyze: true,
        full: false,
        limits: { costDelayMs: 0, lockTimeoutMs: 1_000, statementTimeoutMs: 60_000 },
        signal: new AbortController().signal,
        onBegun: () => {},
      },
      maintenance,
    );
    for (const isSet of [true, false]) await orders.carryOut(settingsTried(isSet), settings);
    const made = await journal.read(trial.id);
    if (made !== null) await orders.revert(made, 'Enough.');
    const canary = canaryTrial(randomUUID());
    await journal.write(canary);
    await orders.carryOut(canaryTried, actuator, canary);
    const watched = await journal.read(canary.id);
    if (watched !== null) await promote(orders, watched);
    const kept = await journal.read(canary.id);
    if (kept !== null) await orders.revert(kept, 'Enough.');
  } catch {
    // The database was killed: what it was at is looked at by who kills us next.
    await sleep(20);
  }
}
