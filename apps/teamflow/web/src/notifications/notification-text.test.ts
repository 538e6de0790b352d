import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notificationText } from './notification-text.ts';

test('each kind of notification is a sentence', () => {
  const today = '2026-05-04';
  const due = { kind: 'due', detail: { title: 'Ship it', dueOn: '2026-05-05' } } as const;
  assert.equal(notificationText(due, today), '“Ship it” is due tomorrow.');
  const digest = { kind: 'digest', detail: { day: '2026-05-03', activity: 1, due: 3, overdue: 0 } } as const;
  assert.equal(
    notificationText(digest, today),
    'Yesterday: 1 thing done by others, 3 tasks of yours due within a week.',
  );
  const whole = { kind: 'export', detail: { rowCount: 2, isCut: false } } as const;
  assert.equal(notificationText(whole, today), 'Your CSV file is made, with 2 tasks.');
  const cut = { kind: 'export', detail: { rowCount: 50_000, isCut: true } } as const;
  assert.match(notificationText(cut, today), /with 50.000 tasks; the project has more\.$/);
});
