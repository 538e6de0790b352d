import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * Finds people of the sample data that a load test can sign in as: as a module for programs, and as a command that writes
 * members.json beside the plans, while TeamFlow runs:
 *
 *   npm run load:members -- [--url http://127.0.0.1:3000 --count 200]
 *
 * The two passwords are those that TeamFlow made up and keeps in .data; where they were given to it, or changed,
 * --email, --password and --member-password say them.
 */

/** A row of the data source `members`. */
export interface SampleMember {
  readonly email: string;
  readonly password: string;
  /** An address of its own, for the throttle on sign-in. */
  readonly address: string;
}

/** What it takes to find them. */
export interface SampleMembersRequest {
  readonly url: string;
  /** The first administrator's sign-in. */
  readonly email: string;
  readonly password: string;
  /** The password that all sample members share. */
  readonly memberPassword: string;
  /** How many at most; default 1,000. */
  readonly count?: number;
}

const most = 1000;

/** @throws when the administrator can't sign in or the list can't be read */
export async function sampleMembers(request: SampleMembersRequest): Promise<readonly SampleMember[]> {
  const { url, email, password, memberPassword, count = most } = request;
  const signedIn = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ email, password }),
  });
  if (!signedIn.ok) throw new Error(`${email} can't sign in: ${signedIn.status} ${await signedIn.text()}`);
  const cookie = signedIn.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
  const query = 'searchField=email&searchOperator=ends_with&searchValue=@teamflow.example';
  const listed = await fetch(`${url}/api/auth/admin/list-users?limit=${count}&${query}`, { headers: { cookie } });
  if (!listed.ok) throw new Error(`The users can't be listed: ${listed.status} ${await listed.text()}`);
  // better-auth's answer has this form.
  const { users } = (await listed.json()) as { readonly users: readonly { readonly email: string }[] };
  return users.map((user, at) => ({
    email: user.email,
    password: memberPassword,
    address: `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`,
  }));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:3000' },
      email: { type: 'string' },
      password: { type: 'string' },
      'member-password': { type: 'string' },
      count: { type: 'string', default: String(most) },
    },
  });
  try {
    const administrator = keptSignIn('initial-administrator');
    const { email = administrator.email, password = administrator.password } = values;
    const memberPassword = values['member-password'] ?? keptSignIn('sample-member').password;
    if (email === undefined || password === undefined || memberPassword === undefined) {
      throw new Error('.data keeps no sign-in: give --email, --password and --member-password.');
    }
    const members = await sampleMembers({
      url: values.url,
      email,
      password,
      memberPassword,
      count: Number(values.count),
    });
    const file = join(import.meta.dirname, 'members.json');
    writeFileSync(file, `${JSON.stringify(members)}\n`, { mode: 0o600 });
    console.log(`${members.length} members in ${file}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/** What TeamFlow keeps of a sign-in that it made up; empty: nothing. */
function keptSignIn(name: string): Partial<Record<'email' | 'password', string>> {
  let text: string;
  try {
    text = readFileSync(
      join(process.env['TEAMFLOW_STATE'] ?? join(import.meta.dirname, '../../../.data'), name),
      'utf8',
    );
  } catch {
    return {};
  }
  return { .../^email: (?<email>.+)\npassword: (?<password>.+)\n/.exec(text)?.groups };
}
