import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadPlan } from '@teamflow/autopilot/load';
import { teamflow as plan, signIn } from '../../apps/teamflow/load/journeys.ts';
import { sampleMembers } from '../../apps/teamflow/load/sample-members.ts';
import type { TeamFlowProcess } from '../../tools/teamflow-process.ts';

/** Signed in by so many at a time: each costs the server a tenth of a second of a processor. */
const AT_ONCE = 4;

/**
 * What load plans for a TeamFlow share whose users are signed in already: several tests of the same people need not wait for
 * their passwords again. `state`: TeamFlow's directory; it must trust this machine's X-Forwarded-For.
 */
export async function signedIn(
  { url, administrator }: TeamFlowProcess,
  state: string,
  count: number,
): Promise<Omit<LoadPlan, 'name' | 'load' | 'flows'>> {
  const kept = await readFile(join(state, 'sample-member'), 'utf8');
  const [, memberPassword = ''] = /^password: (.+)$/m.exec(kept) ?? [];
  const members = await sampleMembers({ url, ...administrator, memberPassword, count });
  if (members.length < count) throw new Error(`The sample data has ${members.length} members; ${count} are needed.`);
  const cookies: string[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const at = next++;
      const member = members[at];
      if (member === undefined) return;
      cookies[at] = await sessionOf(url, member);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const { finish: _, ...rest } = plan;
  return {
    ...rest,
    target: url,
    headers: { ...plan.headers, cookie: '${members.cookie}' },
    data: { members: { rows: cookies.map((cookie) => ({ cookie })), pick: 'user' } },
    // All but the password.
    prepare: signIn.slice(1),
  };
}

async function sessionOf(
  url: string,
  { email, password, address }: { readonly email: string; readonly password: string; readonly address: string },
): Promise<string> {
  const answer = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url, 'x-forwarded-for': address },
    body: JSON.stringify({ email, password }),
  });
  if (!answer.ok) throw new Error(`${email} can't sign in: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
  return answer.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
}
