import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axisTime, formatSpan, localInput, momentText, rangeText, withLocalTimes } from './time.ts';

test('spans in at most two units', () => {
  assert.equal(formatSpan(3210), '3.2 s');
  assert.equal(formatSpan(-5), '0.0 s');
  assert.equal(formatSpan(42_400), '42 s');
  assert.equal(formatSpan(59_700), '1 min');
  assert.equal(formatSpan(250_000), '4 min 10 s');
  assert.equal(formatSpan(7_500_000), '2 h 5 min');
  assert.equal(formatSpan(3_600_000), '1 h');
  assert.equal(formatSpan(273_600_000), '3 d 4 h');
});

test('an axis says no more of a time than its ticks need', () => {
  const noon = new Date(2026, 10, 14, 12, 30, 5).getTime();
  assert.equal(axisTime(noon, 30_000), '12:30:05');
  assert.equal(axisTime(noon, 600_000), '12:30');
  assert.equal(axisTime(new Date(2026, 10, 14).getTime(), 6 * 3_600_000), '14 Nov');
  assert.equal(axisTime(noon, 86_400_000), '14 Nov');
});

test('a time has its day where that is not today, a range its year', () => {
  const noon = new Date(2026, 10, 14, 12, 30, 5).getTime();
  assert.equal(momentText(noon, 60_000, noon + 60_000), '12:30:05');
  assert.equal(momentText(noon, 30 * 86_400_000, noon + 3 * 86_400_000), '14 Nov 12:30');
  assert.equal(rangeText(noon, noon + 3_600_000, noon), '14 Nov, 12:30 to 13:30');
  assert.equal(rangeText(noon, noon + 86_400_000, noon), '14 Nov, 12:30 to 15 Nov, 12:30');
  assert.match(rangeText(noon, noon + 3_600_000, noon + 400 * 86_400_000), /2026/);
  assert.equal(localInput(noon), '2026-11-14T12:30:05');
});

test('the times of a note become those of the reader', () => {
  const at = new Date(2026, 10, 14, 12, 30, 5).toISOString();
  assert.equal(
    withLocalTimes(`Nothing from before ${at}: x.`),
    'Nothing from before Sat 14 Nov 2026, 12:30:05: x.'.replace('Sat ', 'Sat, '),
  );
});
