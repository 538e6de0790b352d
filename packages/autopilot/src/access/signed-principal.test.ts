import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../kernel/clock.ts';
import { PrincipalVerifier, signPrincipal } from './signed-principal.ts';

const KEY = 'k'.repeat(64);
const user = { id: 'user-1', scopes: ['read', 'operate'] } as const;

function verifierOf(
  clock: FakeClock,
  maxScopes: readonly ('read' | 'operate' | 'admin')[] = ['admin'],
): PrincipalVerifier {
  return new PrincipalVerifier([{ key: KEY, maxScopes }], clock);
}

function reasonOf(verifier: PrincipalVerifier, header: string): string {
  const verification = verifier.verify(header);
  return verification.state === 'refused' ? verification.reason : 'accepted';
}

/** A header with claims of one's own, signed with the right key. */
function forged(claims: unknown): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${payload}.${createHmac('sha256', KEY).update(payload).digest('base64url')}`;
}

test('a signed principal is accepted once', () => {
  const clock = new FakeClock();
  const verifier = verifierOf(clock);
  const header = signPrincipal(user, KEY, clock.now());
  assert.deepEqual(verifier.verify(header), {
    state: 'accepted',
    principal: { id: 'user-1', scopes: ['read', 'operate'], by: 'session' },
  });
  assert.match(reasonOf(verifier, header), /used before/);
});

test('a key grants no more than its scopes', () => {
  const clock = new FakeClock();
  const header = signPrincipal({ id: 'root', scopes: ['admin'] }, KEY, clock.now());
  const verification = verifierOf(clock, ['read']).verify(header);
  assert.equal(verification.state, 'accepted');
  assert.deepEqual(verification.state === 'accepted' && verification.principal.scopes, ['read']);
});

test('an old key goes on working while both are held', () => {
  const clock = new FakeClock();
  const both = new PrincipalVerifier(
    [
      { key: 'n'.repeat(64), maxScopes: ['admin'] },
      { key: KEY, maxScopes: ['admin'] },
    ],
    clock,
  );
  assert.equal(reasonOf(both, signPrincipal(user, KEY, clock.now())), 'accepted');
  assert.match(reasonOf(both, signPrincipal(user, 'x'.repeat(64), clock.now())), /fits no link key/);
});

test('it expires, also when it is never used, and a clock apart is named', () => {
  const clock = new FakeClock();
  const verifier = verifierOf(clock);
  const header = signPrincipal(user, KEY, clock.now());
  clock.advance(36_000);
  assert.match(reasonOf(verifier, header), /expired/);
  assert.match(reasonOf(verifier, signPrincipal(user, KEY, clock.now() + 60_000)), /clocks/);
});

test('claims of another form are refused even when signed', () => {
  const clock = new FakeClock();
  const verifier = verifierOf(clock);
  const good = {
    sub: 'a',
    scopes: ['read'],
    aud: 'autopilot-control-plane',
    iat: clock.now(),
    exp: clock.now() + 1000,
    nonce: 'n',
  };
  assert.equal(reasonOf(verifier, forged(good)), 'accepted');
  assert.match(reasonOf(verifier, forged({ ...good, aud: 'elsewhere' })), /audience/);
  assert.match(reasonOf(verifier, forged({ ...good, exp: clock.now() + 3_600_000 })), /longer than 30 s/);
  assert.match(reasonOf(verifier, forged({ ...good, scopes: ['everything'] })), /claims/);
  assert.match(reasonOf(verifier, forged(null)), /claims/);
  assert.match(reasonOf(verifier, forged('text')), /claims/);
});

test('no change to a header, and no noise, is accepted', () => {
  const clock = new FakeClock();
  const verifier = verifierOf(clock);
  const header = signPrincipal(user, KEY, clock.now());
  fc.assert(
    fc.property(fc.nat(header.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
      const changed = header.slice(0, at) + String.fromCharCode(code) + header.slice(at + 1);
      // base64url ignores the last bits of a final character: the same bytes are the same signature.
      fc.pre(
        Buffer.from(changed.split('.')[1] ?? '', 'base64url').compare(
          Buffer.from(header.split('.')[1] ?? '', 'base64url'),
        ) !== 0 || changed.split('.')[0] !== header.split('.')[0],
      );
      assert.notEqual(reasonOf(verifier, changed), 'accepted');
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 3000 }), (noise) => assert.notEqual(reasonOf(verifier, noise), 'accepted')),
  );
});

test('nonces are forgotten after their time', () => {
  const clock = new FakeClock();
  const verifier = verifierOf(clock);
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 100; i++) assert.equal(reasonOf(verifier, signPrincipal(user, KEY, clock.now())), 'accepted');
    clock.advance(40_000);
  }
});
