/** Runs TeamFlow's background jobs on the database of its first argument until it is killed. */
import { BackgroundJobs } from '../../apps/teamflow/server/jobs/background-jobs.ts';
import { FakeJobAgent } from './teamflow-jobs.ts';

const jobs = new BackgroundJobs({
  connection: { connectionString: process.argv[2] ?? '' },
  agent: new FakeJobAgent(),
  log: (message) => process.stderr.write(`${message}\n`),
});
await jobs.start();
