import type { JobConsumption } from '@teamflow/autopilot/contract';
import { formatQuantity } from '../format/quantity.ts';
import type { UsageColumn } from './consumption-columns.tsx';

/** What the kinds of jobs can be sorted by. */
export type JobSort = Exclude<keyof JobConsumption, 'job'>;

const count = (value: number): string => formatQuantity('count', Math.round(value));
const duration = (value: number | null): string => formatQuantity('duration', value);

/** How each kind of background job fares. */
export const jobColumns: readonly UsageColumn<JobConsumption, JobSort>[] = [
  {
    column: 'name',
    label: 'Job',
    title: 'The kind of job, as the application names it',
    first: 'ascending',
    room: 'always',
    value: ({ job }) => job,
    cell: ({ job }) => job,
  },
  {
    column: 'runs',
    label: 'Runs',
    title: 'Runs that ended',
    first: 'descending',
    room: 'always',
    value: ({ runs }) => runs,
    cell: ({ runs }) => count(runs),
  },
  {
    column: 'failureRatio',
    label: 'Failed',
    title: 'Share of runs that failed, and how many',
    first: 'descending',
    room: 'always',
    value: ({ failureRatio }) => failureRatio,
    cell: ({ failures, failureRatio }) => (
      <>
        <span data-tone={failures > 0 ? 'bad' : 'none'}>{formatQuantity('ratio', failureRatio)}</span>
        <div className="card-note">{count(failures)}</div>
      </>
    ),
  },
  {
    column: 'retries',
    label: 'Retries',
    title: 'Runs that were not the first of their job',
    first: 'descending',
    room: 'desk',
    value: ({ retries }) => retries,
    cell: ({ retries }) => count(retries),
  },
  {
    column: 'waitP95Ms',
    label: 'Wait p95',
    title: 'From when a job was due to its beginning: 95 % and half of them waited at most this long',
    first: 'descending',
    room: 'tablet',
    value: ({ waitP95Ms }) => waitP95Ms,
    cell: ({ waitP95Ms, waitP50Ms }) => (
      <>
        {duration(waitP95Ms)}
        <div className="card-note">p50 {duration(waitP50Ms)}</div>
      </>
    ),
  },
  {
    column: 'p95Ms',
    label: 'p95',
    title: '95 % and half of the runs took at most this long',
    first: 'descending',
    room: 'always',
    value: ({ p95Ms }) => p95Ms,
    cell: ({ p95Ms, p50Ms }) => (
      <>
        <strong>{duration(p95Ms)}</strong>
        <div className="card-note">p50 {duration(p50Ms)}</div>
      </>
    ),
  },
  {
    column: 'concurrency',
    label: 'Under way',
    title: 'Runs under way on average',
    first: 'descending',
    room: 'desk',
    value: ({ concurrency }) => concurrency,
    cell: ({ concurrency }) => formatQuantity('average', concurrency),
  },
  {
    column: 'databaseMsPerJob',
    label: 'DB time',
    title: 'Time a run waited for the database',
    first: 'descending',
    room: 'tablet',
    value: ({ databaseMsPerJob }) => databaseMsPerJob,
    cell: ({ databaseMsPerJob }) => duration(databaseMsPerJob),
  },
];
