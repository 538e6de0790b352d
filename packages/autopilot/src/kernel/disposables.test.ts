import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Disposables } from './disposables.ts';

describe('Disposables', () => {
  const ending = (ended: string[], name: string): Disposable => ({ [Symbol.dispose]: () => void ended.push(name) });

  test('ends the last first, once', () => {
    const ended: string[] = [];
    const kept = new Disposables();
    kept.use(ending(ended, 'first'));
    kept.use(ending(ended, 'last'));
    kept.dispose();
    kept.dispose();
    assert.deepEqual(ended, ['last', 'first']);
  });

  test('ends the others when one fails, and says so', () => {
    const ended: string[] = [];
    const kept = new Disposables();
    kept.use(ending(ended, 'first'));
    kept.use({
      [Symbol.dispose]: () => {
        throw new Error('stuck');
      },
    });
    assert.throws(() => kept.dispose(), /stuck/);
    assert.deepEqual(ended, ['first']);
  });

  test('ends at once what comes too late', () => {
    const ended: string[] = [];
    const kept = new Disposables();
    kept.dispose();
    kept.use(ending(ended, 'late'));
    assert.deepEqual(ended, ['late']);
  });
});
