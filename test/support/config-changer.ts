/**
 * Changes a configuration as fast as it goes, until it is killed. Two settings always have the same value, so that half a
 * change can be told; each version that was answered is told on a line of its own.
 */
import { PostgresConfigStore } from '../../packages/autopilot/src/storage/postgres/postgres-config-store.ts';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import { ConfiguredFleet } from './configured-fleet.ts';

const [url = '', folder = '', first = '0'] = process.argv.slice(2);
const journal = new PostgresJournal(url);
const fleet = new ConfiguredFleet('orders', 2, folder, new PostgresConfigStore(url), journal);
const started = fleet.instances.map(({ config }) => {
  const { maxRoutes, maxTenants } = config.settings.current.monitoring;
  return [config.state.version, maxRoutes, maxTenants];
});
await fleet.start();
// What the one before has left open is healed at the start, a moment later.
while ((await journal.open()).length > 0);
console.log(`started ${JSON.stringify(started)}`);
for (let value = Number(first); ; value++) {
  const number = 10 + (value % 10_000);
  const { version } = await fleet.change('changer', {
    'monitoring.maxRoutes': number,
    'monitoring.maxTenants': number,
  });
  if (version !== null) console.log(`version ${version.version} ${number}`);
}
