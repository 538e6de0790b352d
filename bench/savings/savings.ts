import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@teamflow/autopilot/client';
import { runLoad } from '@teamflow/autopilot/load';
import { everyday, teamflow as plan, withoutPauses } from '../../apps/teamflow/load/journeys.ts';
import { sampleMembers } from '../../apps/teamflow/load/sample-members.ts';
import { startTeamFlow, type TeamFlowProcess } from '../../tools/teamflow-process.ts';
import type { BenchFindings, BenchOptions } from '../result.ts';

/**
 * What compression saves of TeamFlow's traffic: an ordinary day's calls of its members on sample data, as its own
 * statistics count them, and its pages with all of their files, as a browser that has none of them gets them.
 */

const BROWSER = 'gzip, deflate, br, zstd';
/** A member comes with an empty cache once in so many calls. */
const CALLS_A_VISIT = 100;
const USERS = 6;

interface Bytes {
  readonly before: number;
  readonly after: number;
}

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const state = await mkdtemp(join(tmpdir(), 'bench-savings-'));
  try {
    log('savings: starting TeamFlow with sample data');
    await using teamflow = await startTeamFlow(state);
    log(`savings: ready after ${(teamflow.readyMs / 1000).toFixed(0)} s`);
    log('savings: an ordinary day');
    await drive(teamflow, state, quick ? 10_000 : 60_000);
    // The last second's window closes, travels and is taken.
    await sleep(3_000);
    const pages = await visit(teamflow.url);
    const client = createClient({ baseUrl: teamflow.controlPlaneUrl, token: () => teamflow.token });
    const { whole, codings, routes } = await client.getCompressionStats({ service: 'teamflow', limit: 200 });
    // Files are counted as they were made when the pages were built; they are measured apart.
    const calls = routes.filter(({ route }) => route.includes('/api/'));
    const compressed = {
      before: codings.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
      after: codings.reduce((sum, { bytesOut }) => sum + bytesOut, 0),
    };
    const api = {
      before: calls.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
      after: calls.reduce((sum, { bytesOut }) => sum + bytesOut, 0),
    };
    const answers = calls.reduce((sum, route) => sum + route.answers, 0);
    const visits = answers / CALLS_A_VISIT;
    const all = { before: api.before + visits * pages.all.before, after: api.after + visits * pages.all.after };
    const requests = answers + visits * pages.files;
    const share = saved(all);
    const megabytes = ((all.before - all.after) / requests) * 1_000;
    return {
      rows: [
        row(
          'answers that were compressed',
          codings.reduce((sum, one) => sum + one.answers, 0),
          compressed,
        ),
        row('all calls, those too small too', answers, api),
        row('the page itself (HTML)', 1, pages.html),
        row('a page with all of its files', pages.files, pages.all),
        row(`all traffic, a visit in ${CALLS_A_VISIT} calls`, requests, all),
      ],
      goals: [
        {
          goal: 'JSON that is compressed becomes 65 to 85 % smaller, or better',
          measured: `${(100 * saved(compressed)).toFixed(1)} %`,
          met: saved(compressed) >= 0.65,
        },
        {
          goal: 'HTML becomes 65 to 85 % smaller, or better',
          measured: `${(100 * saved(pages.html)).toFixed(1)} %`,
          met: saved(pages.html) >= 0.65,
        },
        {
          goal: 'at least 40 % of all bytes saved',
          measured: `${(100 * share).toFixed(1)} %, ${(megabytes / 1e6).toFixed(2)} MB per 1,000 requests`,
          met: share >= 0.4,
        },
      ],
      notes: [
        `Bodies alone, as a browser gets them (${BROWSER}); CPU time for it in the calls: ${whole.cpuMs.toFixed(0)} ms.`,
        'Calls by the load plan "everyday" on sample data; a visit is the page with its files and an empty cache.',
      ],
    };
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

function saved({ before, after }: Bytes): number {
  return before === 0 ? 0 : 1 - after / before;
}

function row(measured: string, answers: number, bytes: Bytes): BenchFindings['rows'][number] {
  return {
    measured,
    answers: Math.round(answers),
    'KB before': bytes.before / 1_000,
    'KB after': bytes.after / 1_000,
    'saved %': 100 * saved(bytes),
  };
}

async function drive({ url, administrator }: TeamFlowProcess, state: string, durationMs: number): Promise<void> {
  const kept = await readFile(join(state, 'sample-member'), 'utf8');
  const [, memberPassword = ''] = /^password: (.+)$/m.exec(kept) ?? [];
  const members = await sampleMembers({ url, ...administrator, memberPassword, count: USERS });
  await runLoad({
    ...plan,
    name: 'savings',
    target: url,
    headers: { ...plan.headers, 'accept-encoding': BROWSER },
    data: { members: { rows: members.map((member) => ({ ...member })), pick: 'user' } },
    load: { kind: 'arrivals', spacing: 'poisson', users: members.length, stages: [{ durationMs, ratePerSecond: 15 }] },
    flows: withoutPauses(everyday),
    // However it goes, what was answered is counted.
    abort: { errorRatio: 1, waitMs: 60_000 },
  });
}

interface Visit {
  readonly html: Bytes;
  readonly all: Bytes;
  readonly files: number;
}

/** The page and what it names, as it is and as a browser gets it. */
async function visit(url: string): Promise<Visit> {
  const plain = await download(`${url}/`, 'identity');
  const html = { before: plain.length, after: (await download(`${url}/`, BROWSER)).length };
  const names = [...plain.toString().matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '');
  const all = { ...html };
  for (const path of new Set(names)) {
    all.before += (await download(url + path, 'identity')).length;
    all.after += (await download(url + path, BROWSER)).length;
  }
  return { html, all, files: 1 + new Set(names).size };
}

async function download(url: string, accepted: string): Promise<Buffer> {
  const asked = get(url, { headers: { 'accept-encoding': accepted }, agent: false });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // Node's own event
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer); // no encoding is set
  if (answer.statusCode !== 200) throw new Error(`${url} answers ${answer.statusCode ?? 'nothing'}`);
  return Buffer.concat(chunks);
}
