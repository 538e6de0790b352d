import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Accounts } from '../accounts/accounts.ts';
import type { Database } from '../database/database.ts';
import type { Environment } from '../environment.ts';
import type { SignInFiles } from './sign-in-file.ts';

export const administratorFile = 'initial-administrator';
const administratorLock = 83_263_571;

export interface AdministratorOptions {
  readonly pool: pg.Pool;
  readonly database: Database;
  readonly accounts: Accounts;
  readonly files: SignInFiles;
  readonly wanted: Environment['administrator'];
  /** Of sample data, the organization that a new administrator is made an owner of, to have something to look at. */
  readonly sampleOrganizationId: string | undefined;
}

/** How the first administrator signs in, for the person who started TeamFlow. */
export interface AdministratorSignIn {
  readonly email: string;
  /** Only when it was made up just now. */
  readonly password: string | undefined;
  /** Where a made-up password is kept; undefined: nowhere. */
  readonly file: string | undefined;
  /** Whether the account's password was changed to TEAMFLOW_ADMIN_PASSWORD, ending its sessions. */
  readonly passwordChanged: boolean;
}

/** A password for somebody who copies it: 144 random bits. */
export function randomPassword(): string {
  return randomBytes(18).toString('base64url');
}

/**
 * Sees to it that there is an administrator: makes one at the first start, and makes TEAMFLOW_ADMIN_EMAIL one and its
 * password TEAMFLOW_ADMIN_PASSWORD at any start that gives them. One process at a time.
 */
export async function ensureAdministrator(options: AdministratorOptions): Promise<AdministratorSignIn> {
  const client = await options.pool.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [administratorLock]);
    return await ensure(options);
  } finally {
    await client.query('rollback').catch(() => {});
    client.release();
  }
}

async function ensure(options: AdministratorOptions): Promise<AdministratorSignIn> {
  const { database, accounts, files, wanted } = options;
  const user = await database
    .selectFrom('users')
    .select(['id', 'role'])
    .where('email', '=', wanted.email)
    .executeTakeFirst();
  if (user === undefined) {
    // The first one may have changed his address; that is no reason to make another.
    const other = wanted.emailGiven ? undefined : await anyAdministrator(database);
    if (other !== undefined) return { email: other, password: undefined, file: undefined, passwordChanged: false };
    return create(options);
  }
  if (wanted.emailGiven && user.role !== 'admin') await accounts.setRole(user.id, 'admin');
  const passwordChanged = wanted.password !== undefined && (await accounts.ensurePassword(user.id, wanted.password));
  if (wanted.password !== undefined) await files.forget(administratorFile);
  await joinSampleOrganization(options, user.id);
  const kept = await files.read(administratorFile, wanted.email);
  return {
    email: wanted.email,
    password: undefined,
    file: kept === undefined ? undefined : files.path(administratorFile),
    passwordChanged,
  };
}

async function create(options: AdministratorOptions): Promise<AdministratorSignIn> {
  const { accounts, files, wanted } = options;
  const { email } = wanted;
  const password = wanted.password ?? randomPassword();
  // Written before the account is made: the other way round a crash between the two would lose the password.
  const kept = wanted.password === undefined && (await files.keep(administratorFile, { email, password }));
  const user = await accounts.createUser({ email, name: 'Administrator', password, role: 'admin' });
  await joinSampleOrganization(options, user.id);
  return {
    email,
    password: wanted.password === undefined ? password : undefined,
    file: kept ? files.path(administratorFile) : undefined,
    passwordChanged: false,
  };
}

async function anyAdministrator(database: Database): Promise<string | undefined> {
  const found = await database
    .selectFrom('users')
    .select('email')
    .where('role', '=', 'admin')
    .orderBy('email')
    .limit(1)
    .executeTakeFirst();
  return found?.email;
}

/** Only somebody who belongs nowhere yet. */
async function joinSampleOrganization(options: AdministratorOptions, userId: string): Promise<void> {
  const { database, sampleOrganizationId } = options;
  if (sampleOrganizationId === undefined) return;
  const belongs = await database.selectFrom('members').select('id').where('userId', '=', userId).executeTakeFirst();
  const organization = await database
    .selectFrom('organizations')
    .select('id')
    .where('id', '=', sampleOrganizationId)
    .executeTakeFirst();
  if (belongs !== undefined || organization === undefined) return;
  await database
    .insertInto('members')
    .values({ organizationId: organization.id, userId, role: 'owner', createdAt: new Date() })
    .execute();
}
