import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { planOfKind } from './load-test.ts';
import type { LoadPlan } from './plan.ts';
import { Random } from './random.ts';
import { chart } from './report/chart.ts';
import { escapeHtml, escapeXml } from './report/escape.ts';
import { type LoadResult, latencySummary, type WindowResult } from './result.ts';
import { judgeDrift } from './soak.ts';
import { judgeSpike } from './spike.ts';
import { parseThreshold } from './threshold.ts';

function windowAt(second: number, latencyMs: number, done = 100, failed = 0): WindowResult {
  const histogram = new ExponentialHistogram();
  for (let at = 0; at < done; at++) histogram.record(latencyMs);
  const counts = { requests: done + failed, done, failed, timedOut: 0, unfinished: 0, bytesReceived: 0 };
  const response = latencySummary(histogram);
  return { fromMs: 1000 * second, durationMs: 1000, iterations: done, dropped: 0, ...counts, response };
}

/** What the judgements look at of a result. */
function resultOf(windows: readonly WindowResult[], load?: LoadPlan['load']): LoadResult {
  return { windows, load, warmupMs: 0 } as unknown as LoadResult;
}

const plan: LoadPlan = {
  name: 'plan',
  target: 'http://127.0.0.1:1',
  load: { kind: 'arrivals', users: 10, stages: [{ durationMs: 50_000, ratePerSecond: 20 }] },
  flows: [{ name: 'look', steps: [{ name: 'look', path: '/', thinkMs: 5000 }] }],
};

describe('a soak', () => {
  test('that stays what it was, with all its noise, is steady', () => {
    const random = new Random(1, 3);
    let alarms = 0;
    for (let run = 0; run < 40; run++) {
      let level = 0;
      const windows = Array.from({ length: 120 }, (_, second) => {
        level = 0.6 * level + 0.1 * (random.next() - 0.5);
        return windowAt(second, 10 * Math.exp(level));
      });
      if (judgeDrift(resultOf(windows), []).verdict !== 'steady') alarms++;
    }
    assert.ok(alarms <= 1, `${alarms} of 40`);
  });

  test('that gets slower, or leaks, drifts and says by how much', () => {
    const slower = Array.from({ length: 120 }, (_, second) => windowAt(second, 10 * (1 + 0.5 * (second / 120))));
    const { verdict, reasons } = judgeDrift(resultOf(slower), []);
    assert.equal(verdict, 'drifts');
    assert.match(reasons[0] ?? '', /median response time rose by (4|5)\d %/);
    const same = Array.from({ length: 120 }, (_, second) => windowAt(second, 10));
    const leak = Array.from({ length: 120 }, (_, second) => ({ atMs: 1000 * second, rssBytes: 1e8 + 1e6 * second }));
    const leaking = judgeDrift(resultOf(same), leak);
    assert.deepEqual(
      leaking.figures.filter(({ drifts }) => drifts).map(({ figure }) => figure),
      ['rssBytes'],
    );
    assert.equal(judgeDrift(resultOf(same.slice(0, 20)), []).verdict, 'not-judged');
  });
});

describe('a spike', () => {
  test('is made where the plan has none, and told apart from before and after', () => {
    const { load } = planOfKind('spike', plan);
    assert.ok(load.kind === 'arrivals');
    assert.deepEqual(load.spikes, [{ atMs: 20_000, durationMs: 10_000, ratePerSecond: 100 }]);
    const windows = Array.from({ length: 50 }, (_, second) =>
      second >= 20 && second < 30
        ? windowAt(second, 200, 100, 5)
        : windowAt(second, second >= 30 && second < 34 ? 100 : 10, 20),
    );
    const spike = judgeSpike(resultOf(windows, load));
    assert.ok(spike !== null);
    assert.deepEqual([spike.fromMs, spike.untilMs, spike.recoveredAfterMs], [20_000, 30_000, 4000]);
    assert.equal(spike.before.errorRatio, 0);
    assert.ok((spike.during.errorRatio ?? 0) > 0.04);
    assert.ok((spike.during.p95Ms ?? 0) > 15 * (spike.before.p95Ms ?? 0));
    const never = windows.map((window, second) => (second >= 30 ? windowAt(second, 100, 20) : window));
    assert.equal(judgeSpike(resultOf(never, load))?.recoveredAfterMs, null);
    assert.equal(judgeSpike(resultOf(windows, plan.load)), null);
  });

  test('of users keeps their pauses', () => {
    const users = { kind: 'users', stages: [{ durationMs: 10_000, users: 4 }], thinkMs: 100 } as const;
    const { load } = planOfKind('spike', { ...plan, load: users }, { spikeFactor: 3 });
    assert.ok(load.kind === 'users');
    assert.deepEqual(
      load.stages.map((stage) => stage.users),
      [4, 12, 4],
    );
    assert.equal(load.thinkMs, 100);
  });
});

test('a smoke test has one user who does not think, and allows no error', () => {
  const smoke = planOfKind('smoke', plan);
  assert.deepEqual(smoke.load, { kind: 'users', stages: [{ durationMs: 5000, users: 1 }] });
  assert.deepEqual(smoke.thresholds, ['errorRatio <= 0']);
  assert.equal(smoke.flows[0]?.steps[0]?.thinkMs, undefined);
});

test('thresholds are read with their units, and what is none is not', () => {
  assert.deepEqual(parseThreshold(' sign in: now : p99<=1.5 s '), {
    text: 'sign in: now : p99<=1.5 s',
    step: 'sign in: now',
    figure: 'p99',
    operator: '<=',
    limit: 1500,
  });
  assert.equal(parseThreshold('errorRatio < 0.1 %')?.limit, 0.001);
  for (const wrong of ['p99', 'p98 < 3', 'p99 < 3 %', 'errorRatio < 3 ms', 'look: dropped <= 0', 'p99 < -3', '']) {
    assert.equal(parseThreshold(wrong), null, wrong);
  }
});

test('nothing of a plan or a target gets into a report as markup', () => {
  const evil = `<script>"&'\u0000`;
  assert.equal(escapeHtml(evil), '&lt;script&gt;&quot;&amp;&#39;\u0000');
  assert.equal(escapeXml(evil), '&lt;script&gt;&quot;&amp;&#39;?');
  const drawn = chart({
    title: evil,
    lines: [{ name: evil, points: [0, 1, 2].map((x) => ({ x, y: x === 1 ? null : x })), dots: true }],
    x: () => evil,
    y: () => evil,
    limits: [{ y: 1, name: evil }],
  });
  assert.doesNotMatch(drawn, /<script/);
});
