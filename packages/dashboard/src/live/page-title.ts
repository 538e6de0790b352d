import type { Dashboard } from '@teamflow/autopilot/contract';
import { quantity } from '../format/quantity.ts';
import { clockTime } from '../format/time.ts';
import type { Freshness } from './freshness.ts';

/** The tab's title: what is wrong comes first, because a tab shows few letters. Never a score that is not live. */
export function pageTitle(dashboard: Dashboard | undefined, freshness: Freshness): string {
  const name = dashboard === undefined ? 'Autopilot' : `${dashboard.service} – Autopilot`;
  switch (freshness.state) {
    case 'connecting':
      return name;
    case 'unreachable':
      return `No answer · ${name}`;
    case 'refused':
      return freshness.failure.problem?.status === 401 ? `Sign in · ${name}` : `Refused · ${name}`;
    case 'reconnecting':
    case 'stale':
      return `Stale since ${clockTime(freshness.since)} · ${name}`;
    case 'live': {
      if (dashboard === undefined) return name;
      const stalled = dashboard.instances.filter(({ state }) => state === 'stalled').length;
      if (stalled > 0) return `${stalled} stalled · ${name}`;
      const { score, status } = dashboard.health;
      return score === null ? name : `${quantity('score', score).value} ${status} · ${name}`;
    }
  }
}
