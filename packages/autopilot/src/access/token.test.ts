import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeToken, TokenVerifier } from './token.ts';

test('a token opens what it was granted, any other nothing', () => {
  const [one, two] = [makeToken(), makeToken()];
  const verifier = new TokenVerifier([
    { id: 'reader', token: one, scopes: ['read'] },
    { id: 'admin', token: two, scopes: ['read', 'operate', 'admin'] },
  ]);
  assert.deepEqual(verifier.verify(one), { id: 'reader', scopes: ['read'], by: 'token' });
  assert.equal(verifier.verify(two)?.id, 'admin');
  for (const wrong of ['', one.slice(1), `${one} `, one.toUpperCase(), makeToken(), 'x'.repeat(1e6)]) {
    assert.equal(verifier.verify(wrong), null);
  }
  assert.notEqual(one, two);
});

test('a token that is short, endless, or no header value is refused without being shown', () => {
  for (const token of ['', 'short', 'x'.repeat(31), 'x'.repeat(513), `${'x'.repeat(40)} y`, `${'x'.repeat(40)}ü`]) {
    assert.throws(
      () => new TokenVerifier([{ id: 'admin', token, scopes: ['read'] }]),
      (error: Error & { code?: string }) =>
        error.code === 'AP_TOKEN_WEAK' && (token.length < 4 || !error.message.includes(token)),
    );
  }
  assert.doesNotThrow(() => new TokenVerifier([{ id: 'admin', token: makeToken(), scopes: ['read'] }]));
});
