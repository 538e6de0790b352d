import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, agoText, dayText, today } from './time.ts';

test('days are named by their distance', () => {
  const from = '2026-03-01';
  const named = ['2026-03-01', '2026-03-02', '2026-02-28', '2026-03-09', '2027-01-01'].map((day) => dayText(day, from));
  assert.deepEqual(named, ['Today', 'Tomorrow', 'Yesterday', '9 Mar', '1 Jan 2027']);
});

test('days are added across months and years', () => {
  assert.equal(addDays('2026-12-31', 1), '2027-01-01');
  assert.equal(addDays('2026-03-01', -1), '2026-02-28');
  assert.equal(today(new Date(2026, 0, 5, 23, 59)), '2026-01-05');
});

test('the past is told in the largest unit that says something', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  const told = ['2026-03-01T11:59:30Z', '2026-03-01T11:48:00Z', '2026-03-01T02:00:00Z', '2026-02-25T12:00:00Z'];
  assert.deepEqual(
    told.map((at) => agoText(at, now)),
    ['just now', '12 min ago', '10 h ago', '4 d ago'],
  );
  assert.equal(agoText('2025-12-24T12:00:00Z', now), '24 Dec 2025');
});
