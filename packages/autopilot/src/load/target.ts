import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { addressKindOf, isRange, isWithin } from './address-range.ts';

/** An origin that may be tested. */
export interface TargetRule {
  /** "https://staging.example.com:8443"; the port may be `*`. */
  readonly origin: string;
  /** Ranges that the name may resolve to beside public addresses: "10.1.0.0/16". A literal address needs none. */
  readonly addresses?: readonly string[];
}

/** This machine alone, on any port: what a plan written by the caller itself may reach. */
export const LOOPBACK_TARGETS: readonly TargetRule[] = ['http', 'https'].flatMap((scheme) =>
  ['localhost', '127.0.0.1', '[::1]'].map((host) => ({ origin: `${scheme}://${host}:*` })),
);

/**
 * A rule from its text: an origin, and ranges after "=" where its name resolves to addresses that are not public, as
 * "https://staging.example.com=10.1.0.0/16,10.2.0.0/16". null: it is none.
 */
export function parseTargetRule(text: string): TargetRule | null {
  const [origin = '', ranges] = text.trim().split('=', 2);
  const url = URL.parse(origin.replace(/:\*$/, ''));
  if (url === null || !/^https?:$/.test(url.protocol) || url.origin === 'null') return null;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    return null;
  }
  const addresses = ranges?.split(',').map((range) => range.trim());
  if (addresses?.some((range) => !isRange(range))) return null;
  const whole = origin.endsWith(':*') ? `${url.origin}:*` : url.origin;
  return addresses === undefined ? { origin: whole } : { origin: whole, addresses };
}

/** Where requests go. The address was resolved and judged once; nothing is resolved again during a run. */
export interface PinnedTarget {
  readonly origin: string;
  readonly secure: boolean;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** Value of the Host header. */
  readonly authority: string;
  /** Name for the certificate; empty for a literal address. */
  readonly serverName: string;
}

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** Asks the system's resolver. */
const systemResolve: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};

/**
 * Judges a plan's target and pins its address.
 * @throws AutopilotError AP_LOAD_TARGET_REFUSED for what no rule allows, or what resolves to an address that its rule does not.
 */
export async function admitTarget(
  target: string,
  rules: readonly TargetRule[],
  resolve: Resolve = systemResolve,
): Promise<PinnedTarget> {
  const url = originOf(target);
  const rule = rules.find((candidate) => matches(candidate, url));
  if (rule === undefined) {
    throw refused(
      `${url.origin} is not among the targets that may be tested: ${rules.map(({ origin }) => origin).join(', ') || 'none'}`,
      'Have an administrator add the origin to the allow-list, or test a service that is on it.',
    );
  }
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const literal = isIP(hostname) !== 0;
  const addresses = literal ? [hostname] : await resolveAll(hostname, resolve);
  // One bad address among good ones is how a name is made to point elsewhere later: all must pass.
  for (const address of addresses) judge(address, hostname, literal, rule);
  const secure = url.protocol === 'https:';
  return {
    origin: url.origin,
    secure,
    address: addresses[0] ?? hostname,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
    serverName: literal ? '' : hostname,
  };
}

/**
 * The URL of a target that names an origin and nothing else.
 * @throws AutopilotError AP_LOAD_TARGET_REFUSED
 */
export function originOf(target: string): URL {
  const url = URL.parse(target);
  const remedy = 'Write it as "http://127.0.0.1:3000": a scheme, a host and a port; paths belong to the steps.';
  if (url === null) throw refused(`"${target}" is no URL`, remedy);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refused(`"${target}" uses ${url.protocol}//, and only http and https are spoken`, remedy);
  }
  if (url.username !== '' || url.password !== '' || /^[^/?#]*\/\/[^/?#]*@/.test(target)) {
    throw refused(`the target holds user information before "@"; the host behind it is ${url.hostname}`, remedy);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw refused(`"${target}" is more than an origin`, remedy);
  }
  return url;
}

function matches(rule: TargetRule, url: URL): boolean {
  const anyPort = rule.origin.endsWith(':*');
  const allowed = URL.parse(anyPort ? rule.origin.slice(0, -2) : rule.origin);
  if (allowed === null || allowed.protocol !== url.protocol || allowed.hostname !== url.hostname) return false;
  return anyPort || allowed.port === url.port;
}

async function resolveAll(hostname: string, resolve: Resolve): Promise<readonly string[]> {
  let addresses: readonly string[];
  try {
    addresses = await resolve(hostname);
  } catch (thrown) {
    throw refused(`the name ${hostname} does not resolve: ${messageOf(thrown)}`, 'Check the name.', thrown);
  }
  if (addresses.length === 0) throw refused(`the name ${hostname} has no address`, 'Check the name.');
  return addresses;
}

function judge(address: string, hostname: string, literal: boolean, rule: TargetRule): void {
  const kind = addressKindOf(address);
  const where = literal ? address : `${hostname} resolves to ${address}, which`;
  if (kind === 'forbidden') {
    throw refused(
      `${where} is a link-local, metadata, unspecified or reserved address`,
      'No rule can allow it. Name a service.',
    );
  }
  if (isWithin(address, (rule.addresses ?? []).filter(isRange))) return;
  // A rule that names the address itself means it; one that names localhost means this machine and nothing else.
  if (literal || kind === (hostname === 'localhost' ? 'loopback' : 'public')) return;
  throw refused(
    `${where} is a ${kind} address, and the rule for ${rule.origin} does not open it`,
    'Where that is meant, have an administrator add the range to the rule, or a rule for the address itself.',
  );
}

function refused(reason: string, remedy: string, cause?: unknown): AutopilotError {
  return new AutopilotError(
    'AP_LOAD_TARGET_REFUSED',
    `No load test was started: ${reason}.`,
    cause === undefined ? { remedy } : { remedy, cause },
  );
}
