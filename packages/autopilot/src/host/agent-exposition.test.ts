import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originOf, routeOf, windowOf } from '../../../../test/support/windows.ts';
import { makeToken, TokenVerifier } from '../access/token.ts';
import { FakeClock } from '../kernel/clock.ts';
import { AgentExposition, type ScrapeAnswer, type ScrapeRequest } from './agent-exposition.ts';

const GIVEN = 'given-from-outside-'.padEnd(40, 'x');

function exposition(token: string | null): {
  readonly agent: AgentExposition;
  readonly ask: (token: string | null, more?: Partial<ScrapeRequest>) => Promise<ScrapeAnswer>;
} {
  const agent = new AgentExposition({
    clock: new FakeClock(0),
    origin: originOf('web-1'),
    startedAt: 0,
    token,
    onTrouble: (message) => assert.equal(message, null),
  });
  agent.add([windowOf(0, [routeOf('GET /a', [1, 2])])]);
  const ask = (bearer: string | null, more: Partial<ScrapeRequest> = {}): Promise<ScrapeAnswer> =>
    agent.answer({
      authorization: bearer === null ? null : `Bearer ${bearer}`,
      accept: null,
      acceptEncoding: null,
      search: '',
      ...more,
    });
  return { agent, ask };
}

const codeOf = ({ body }: ScrapeAnswer): unknown => (JSON.parse(String(body)) as { code: unknown }).code; // a problem

test('the token from the environment opens it, with or without a control plane', async () => {
  const { ask } = exposition(GIVEN);
  const answer = await ask(GIVEN);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(new TextDecoder().decode(answer.body as Uint8Array), /_count\{.*"\/a"\} 2\n/); // `as`: not a problem
  const nobody = await ask(null);
  assert.equal(nobody.status, 401);
  assert.equal(nobody.headers['www-authenticate'], 'Bearer realm="autopilot"');
  const early = await ask('another');
  assert.equal(early.status, 503);
  assert.equal(early.headers['retry-after'], '5');
});

test('tokens of the control plane are recognised by what it says of them, until it says others', async () => {
  const { agent, ask } = exposition(null);
  const made = makeToken();
  const scopeless = makeToken();
  assert.equal(codeOf(await ask(made)), 'AP_CONTROL_PLANE_UNAVAILABLE');
  const { digests } = new TokenVerifier([
    { id: 'administrator', token: made, scopes: ['admin'] },
    { id: 'nobody', token: scopeless, scopes: [] },
  ]);
  assert.ok(!JSON.stringify(digests).includes(made));
  agent.learnTokens([...digests, { id: 'broken', sha256: 'short', scopes: ['read'] }]);
  assert.equal((await ask(made)).status, 200);
  assert.equal(codeOf(await ask(scopeless)), 'AP_FORBIDDEN');
  assert.equal(codeOf(await ask(digests[0]?.sha256 ?? '')), 'AP_UNAUTHENTICATED');
  agent.learnTokens([]);
  assert.equal(codeOf(await ask(made)), 'AP_UNAUTHENTICATED');
});

test('unknown parameters and formats are refused by name', async () => {
  const { ask } = exposition(GIVEN);
  assert.equal(codeOf(await ask(GIVEN, { search: 'service=x' })), 'AP_PARAMETER_UNKNOWN');
  assert.equal(codeOf(await ask(GIVEN, { search: 'bucketsPerOctave=3' })), 'AP_PARAMETER_INVALID');
  assert.equal(codeOf(await ask(GIVEN, { search: 'bucketsPerOctave=many' })), 'AP_PARAMETER_INVALID');
  assert.equal(codeOf(await ask(GIVEN, { accept: 'application/json' })), 'AP_NOT_ACCEPTABLE');
  assert.equal((await ask(GIVEN, { search: 'bucketsPerOctave=16', accept: 'text/plain' })).status, 200);
});
