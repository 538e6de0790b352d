import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts, User } from '../accounts/accounts.ts';
import type { Database, MemberRole } from '../database/database.ts';
import { forOrganization, type OrganizationDatabase } from '../database/organization-scope.ts';
import { Problem } from './problem.ts';

/** Who sent a request, and how that was shown. */
export interface Identity {
  readonly user: User;
  readonly by: 'session' | 'api-key';
}

/** The organization a request is about; its sender is a member. */
export interface Membership {
  readonly organizationId: string;
  readonly organizationName: string;
  readonly role: MemberRole;
  /** The only database that handlers of an organization's routes use. */
  readonly database: OrganizationDatabase;
}

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | null;
    membership: Membership | null;
  }
  interface FastifyContextConfig {
    /** The least role in the organization that may call the route; default: any member. */
    minimumRole?: MemberRole;
  }
}

const rank: Readonly<Record<MemberRole, number>> = { member: 0, admin: 1, owner: 2 };

/** better-auth may give a member several roles, with commas; the strongest counts, and one that we do not know gives least. */
export function strongestRole(roles: string): MemberRole {
  const held = roles.split(',').map((role) => role.trim());
  return held.includes('owner') ? 'owner' : held.includes('admin') ? 'admin' : 'member';
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** An API key in `x-api-key` or as a bearer token; undefined: neither was sent. */
function keyOf(request: FastifyRequest): string | undefined {
  const { 'x-api-key': key, authorization } = request.headers;
  if (typeof key === 'string') return key;
  return authorization?.startsWith('Bearer ') === true ? authorization.slice('Bearer '.length) : undefined;
}

/**
 * Cross-site request forgery: a browser sends cookies along whoever asks, and says who asked. What says nothing is no
 * page of ours. Compared with the Host header, which a page of another site can not choose.
 */
function isCrossSite(request: FastifyRequest): boolean {
  const { 'sec-fetch-site': site, origin, host } = request.headers;
  if (safeMethods.has(request.method) || site === 'same-origin') return false;
  return site !== undefined || origin === undefined || URL.parse(origin)?.host !== host;
}

function refuseCrossSite(request: FastifyRequest): void {
  if (!isCrossSite(request)) return;
  const { 'sec-fetch-site': site, origin } = request.headers;
  throw new Problem(
    'TF_CROSS_SITE',
    `A ${request.method} by session must come from a page of this site, but ` +
      (site === undefined && origin === undefined
        ? 'neither Origin nor Sec-Fetch-Site was sent.'
        : `it came from ${site === undefined ? origin : `a ${site} page`}.`) +
      ' Programs send an API key as x-api-key instead.',
  );
}

/** Who is signed in by the request's cookie; null: nobody. API keys do not count. */
async function sessionUser(accounts: Accounts, request: FastifyRequest, reply?: FastifyReply): Promise<User | null> {
  const { cookie } = request.headers;
  if (cookie === undefined) return null;
  const answer = await accounts.sessionOf(cookie);
  if (answer === undefined) return null;
  for (const value of answer.setCookies) void reply?.header('set-cookie', value);
  return answer.user;
}

/** What a user of TeamFlow may do with the autopilot. */
interface AutopilotUser {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly [] | readonly ['read', 'operate', 'admin'];
}

/**
 * Who uses the autopilot through TeamFlow: a signed-in administrator, from a page of this site, may do everything;
 * others who are signed in nothing, which they are told. Null: nobody is. (API keys open TeamFlow's own API only.)
 */
export async function autopilotUser(accounts: Accounts, request: FastifyRequest): Promise<AutopilotUser | null> {
  // Who sends a token wants to be judged by it: a wrong one is refused, whatever cookies came along.
  if (isCrossSite(request) || keyOf(request) !== undefined) return null;
  const user = await sessionUser(accounts, request);
  if (user === null) return null;
  return { id: user.id, name: user.name, scopes: user.role === 'admin' ? ['read', 'operate', 'admin'] : [] };
}

/** A hook that lets nobody past who is not signed in, nor a state-changing call that another site's page made. */
export function requireIdentity(accounts: Accounts) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const key = keyOf(request);
    if (key !== undefined) {
      const owner = await accounts.ownerOfKey(key);
      if (owner === undefined) throw new Problem('TF_UNAUTHENTICATED', 'The API key is not known, or no longer valid.');
      request.identity = { user: owner, by: 'api-key' };
      return;
    }
    const user = await sessionUser(accounts, request, reply);
    if (user === null) {
      throw new Problem('TF_UNAUTHENTICATED', 'Sign in at / or send an API key as x-api-key.');
    }
    refuseCrossSite(request);
    request.identity = { user, by: 'session' };
  };
}

/** A hook that lets nobody past who does not run the installation. */
export async function requireAdministrator(request: { readonly identity: Identity | null }): Promise<void> {
  const { user } = identityOf(request);
  if (user.role !== 'admin') {
    throw new Problem('TF_ADMINISTRATORS_ONLY', `${user.email} is no administrator of this installation.`);
  }
}

/**
 * A hook that opens the organization of the path to its members, before anything else about the request is looked at.
 * To everybody else it is not there.
 */
export function requireMembership(database: Database) {
  return async (request: FastifyRequest<{ Params: { organizationId?: string } }>): Promise<void> => {
    const { organizationId = '' } = request.params;
    const { user } = identityOf(request);
    const member = uuid.test(organizationId)
      ? await database
          .selectFrom('members')
          .innerJoin('organizations', 'organizations.id', 'members.organizationId')
          .select(['members.role', 'organizations.name'])
          .where('members.organizationId', '=', organizationId)
          .where('members.userId', '=', user.id)
          .executeTakeFirst()
      : undefined;
    if (member === undefined) {
      throw new Problem('TF_NOT_FOUND', `You are a member of no organization "${organizationId}".`);
    }
    const { minimumRole = 'member' } = request.routeOptions.config;
    const role = strongestRole(member.role);
    if (rank[role] < rank[minimumRole]) {
      throw new Problem('TF_FORBIDDEN', `This needs the role ${minimumRole}; yours is ${role}.`);
    }
    const id = organizationId.toLowerCase();
    request.membership = {
      organizationId: id,
      organizationName: member.name,
      role,
      database: forOrganization(database, id),
    };
  };
}

/** The sender of a request that passed `requireIdentity`. */
export function identityOf(request: { readonly identity: Identity | null }): Identity {
  if (request.identity === null) throw new Error('This route is not behind requireIdentity().');
  return request.identity;
}

/** The organization of a request that passed `requireMembership`. */
export function membershipOf(request: { readonly membership: Membership | null }): Membership {
  if (request.membership === null) throw new Error('This route is not behind requireMembership().');
  return request.membership;
}

/** Whether somebody's role in the organization is at least this one. */
export function hasRole(membership: Membership, role: MemberRole): boolean {
  return rank[membership.role] >= rank[role];
}
