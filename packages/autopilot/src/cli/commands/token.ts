import type { Client } from '../../client.ts';
import type { AccessToken } from '../../contract/access.ts';
import { scopes } from '../../contract/principal.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import { askControlPlane, urlFlag } from '../ask-control-plane.ts';
import { type Command, exitCodes, type Terminal, table, UsageError } from '../command.ts';

type Values = Readonly<Record<string, string | undefined>>;
type Use = (client: Client, operands: readonly string[], values: Values, terminal: Terminal) => Promise<number>;

const DAY_MS = 86_400_000;

const uses: Readonly<Record<string, Use>> = {
  create: async (client, [name], values, { out, error }) => {
    if (name === undefined) {
      throw new UsageError('It is not said what the token is for.', 'Write: autopilot token create "ci deploys"');
    }
    const scope = scopes.find((known) => known === (values['scope'] ?? 'read'));
    if (scope === undefined) throw new UsageError(`${values['scope']} is no scope.`, `It is ${scopes.join(', ')}.`);
    const expiry = expiryOf(values);
    const { token, secret } = await client.createAccessToken({
      name,
      scope,
      ...(expiry === undefined ? {} : { expiresAt: expiry }),
    });
    error(`${token.id}: ${token.scope}, ${endOf(token)}. The token is shown once:`);
    // Alone on the standard output, so that a script can take it.
    out(secret);
    return exitCodes.ok;
  },
  list: async (client, _operands, _values, { out }) => {
    const rows: string[][] = [];
    let cursor: string | null = null;
    let notes: readonly string[] = [];
    do {
      const list = await client.listAccessTokens({ limit: 200, ...(cursor === null ? {} : { cursor }) });
      for (const token of list.tokens) {
        const used = token.lastUsedAt === null ? 'never used' : `used ${token.lastUsedAt}`;
        rows.push([
          token.id,
          `${token.scope}  ${token.state}, ${endOf(token)}, ${used}  by ${token.createdBy}: ${token.name}`,
        ]);
      }
      cursor = list.page.next;
      ({ notes } = list);
    } while (cursor !== null);
    if (rows.length === 0) out('There is no token but the one in AUTOPILOT_TOKEN.');
    else for (const line of table(rows)) out(line);
    for (const note of notes) out(note);
    return exitCodes.ok;
  },
  revoke: async (client, [id], _values, { out }) => {
    if (id === undefined) throw new UsageError('revoke needs the id of a token.', 'See: autopilot token list');
    const token = await client.revokeAccessToken(id);
    out(`${token.id} (${token.name}) is revoked since ${token.revokedAt}.`);
    return exitCodes.ok;
  },
};

/** `autopilot token`: makes, lists and revokes tokens of the autopilot's API, through a control plane. */
export const token: Command = {
  summary: 'make, list and revoke tokens of the API',
  description: [
    '  create name                 makes one and prints it, this once\n  list                        those there are, with when each was used last\n  revoke id                   ends one at once',
    'It needs a token with the scope admin, by the environment alone: AUTOPILOT_TOKEN.\nExit codes: 0 ok, 1 refused, 2 used wrongly, 3 the control plane does not answer.',
  ],
  operands: `<${Object.keys(uses).join('|')}> ...`,
  flags: {
    url: urlFlag,
    scope: { value: scopes.join('|'), description: 'What a new token may; default read' },
    days: { value: 'number', description: 'How long a new token lives; default 90' },
    'never-expires': { value: null, description: 'A new token lives until it is revoked' },
  },
  run: async (values, terminal, [name, ...operands]) => {
    const use = name !== undefined && Object.hasOwn(uses, name) ? uses[name] : undefined;
    if (use === undefined) {
      const nearest = name === undefined ? null : nearestName(name, Object.keys(uses));
      throw new UsageError(
        name === undefined ? 'It is not said what to do.' : `${JSON.stringify(name)} is nothing that can be done.`,
        nearest === null ? `Write one of ${Object.keys(uses).join(', ')}.` : `"${nearest}" was probably meant.`,
      );
    }
    return await askControlPlane(values['url'], terminal, (client) => use(client, operands, values, terminal));
  },
};

/** undefined: as long as the control plane says. */
function expiryOf(values: Values): string | null | undefined {
  const { days } = values;
  if (values['never-expires'] === 'true') {
    if (days !== undefined) throw new UsageError('--days and --never-expires exclude each other.', 'Leave one out.');
    return null;
  }
  if (days === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(days)) {
    throw new UsageError(`${JSON.stringify(days)} is no number of days.`, 'It is a whole number from 1 to 9999.');
  }
  return new Date(Date.now() + Number(days) * DAY_MS).toISOString();
}

function endOf({ expiresAt }: AccessToken): string {
  return expiresAt === null ? 'does not expire' : `expires ${expiresAt}`;
}
