/** Outages for `npm run torture`: told how many, it takes the database from TeamFlow for a minute each, and writes what that came to. */
import { outage } from './database-outage.ts';
import { withProgramDatabase } from './program-database.ts';
import { teamflowBehindDoor } from './teamflow-behind-door.ts';

const SECONDS = Number(process.env['OUTAGE_SECONDS'] ?? 60);

const [rounds = '1'] = process.argv.slice(2);
const reports = await withProgramDatabase(async (database) => {
  await using world = await teamflowBehindDoor(database);
  const found = [];
  for (let round = 0; round < Number(rounds); round++) {
    try {
      found.push(await outage(world, SECONDS));
    } catch (error) {
      console.error(world.teamflow.output().slice(-8_000));
      throw error;
    }
  }
  return found;
});
console.log(JSON.stringify(reports));
