import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../kernel/clock.ts';
import { digestOf, type RequestVerification, RequestVerifier, signRequest } from './request-signature.ts';

const OLD = 'old-key-0123456789abcdef0123456789abcdef';
const NEW = 'new-key-0123456789abcdef0123456789abcdef';
const path = '/link/v1/channels';

function reasonOf(verification: RequestVerification): string {
  return verification.state === 'refused' ? verification.reason : 'accepted';
}

test('a signed request is accepted once, for what was signed, within 30 s', () => {
  const clock = new FakeClock();
  const verifier = new RequestVerifier(() => [OLD], clock);
  const signed = (): string => signRequest('POST', path, '{"a":1}', OLD, clock.now()).header;
  const first = signRequest('POST', path, '{"a":1}', OLD, clock.now());
  const accepted = verifier.verify('POST', path, first.header);
  assert.deepEqual(accepted, { state: 'accepted', bodyDigest: digestOf('{"a":1}'), proof: first.proof });
  assert.equal(reasonOf(verifier.verify('POST', path, first.header)), 'it came before');
  assert.match(reasonOf(verifier.verify('GET', path, signed())), /another link key/);
  assert.match(reasonOf(verifier.verify('POST', `${path}/1`, signed())), /another link key/);
  const [time, nonce, , signature] = signed().split('.');
  assert.match(
    reasonOf(verifier.verify('POST', path, `${time}.${nonce}.${digestOf('{}')}.${signature}`)),
    /another link key/,
  );
  const early = signed();
  clock.advance(30_001);
  assert.match(reasonOf(verifier.verify('POST', path, early)), /30 s behind this machine's clock/);
  const ahead = signRequest('POST', path, '', OLD, clock.now() + 90_000).header;
  assert.match(reasonOf(verifier.verify('POST', path, ahead)), /90 s ahead of/);
});

test('what is no signature is refused with a reason, and the key is never in what is sent', () => {
  const verifier = new RequestVerifier(() => [OLD], new FakeClock());
  assert.match(reasonOf(verifier.verify('POST', path, null)), /no x-autopilot-link header/);
  for (const header of ['', '.', 'a.b.c.d.e', `1.2.3.${'x'.repeat(300)}`]) {
    assert.match(reasonOf(verifier.verify('POST', path, header)), /another form/);
  }
  assert.match(reasonOf(new RequestVerifier(() => [], new FakeClock()).verify('POST', path, '1.a.b.c')), /no link key/);
  const { header, proof } = signRequest('POST', path, '', OLD, 0);
  assert.ok(!header.includes(OLD) && !proof.includes(OLD));
});

test('keys are rotated without a moment in which an agent is refused', () => {
  const clock = new FakeClock();
  let keys = [OLD];
  const verifier = new RequestVerifier(() => keys, clock);
  const works = (key: string): boolean =>
    verifier.verify('POST', path, signRequest('POST', path, '', key, clock.now()).header).state === 'accepted';
  assert.deepEqual([works(OLD), works(NEW)], [true, false]);
  // 1. The control plane takes both. 2. The agents sign with the new one, one after another. 3. The old one goes.
  keys = [NEW, OLD];
  assert.deepEqual([works(OLD), works(NEW)], [true, true]);
  keys = [NEW];
  assert.deepEqual([works(OLD), works(NEW)], [false, true]);
});
