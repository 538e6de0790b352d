/** Outages for `npm run torture`: told how many, it takes the database from TeamFlow for a minute each, and writes what that came to. */
import assert from 'node:assert/strict';
import { outage } from './database-outage.ts';
import { withProgramDatabase } from './program-database.ts';
import { teamflowBehindDoor } from './teamflow-behind-door.ts';

const SECONDS = Number(process.env['OUTAGE_SECONDS'] ?? 60);

/** What leaks with each request does not fit into it for long; in the heap that Node takes by itself garbage stays for minutes. */
const HEAP_MIB = 256;
const MAX_GROWN_BYTES = 150 * 1024 * 1024;

const [rounds = '1'] = process.argv.slice(2);
const reports = await withProgramDatabase(async (database) => {
  await using world = await teamflowBehindDoor(database, {
    NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`,
  });
  const found = [];
  for (let round = 0; round < Number(rounds); round++) {
    try {
      const report = await outage(world, SECONDS);
      const { residentBefore, residentAfter } = report;
      assert.ok(residentAfter - residentBefore < MAX_GROWN_BYTES, JSON.stringify(report));
      found.push(report);
    } catch (error) {
      console.error(world.teamflow.output().slice(-8_000));
      throw error;
    }
  }
  return found;
});
console.log(JSON.stringify(reports));
