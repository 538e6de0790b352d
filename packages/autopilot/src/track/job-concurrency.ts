import type { LiveSettings } from '../config/live-settings.ts';

/** Calls `apply` with how many background jobs may run at once: now, and when the setting changes that. `own` while it says nothing. */
export function followJobConcurrency(
  settings: LiveSettings,
  own: number,
  apply: (concurrency: number) => void,
): Disposable {
  let last: number | null = null;
  return settings.use({
    name: 'the background jobs',
    apply: ({ jobs }) => {
      const wanted = jobs.concurrency ?? own;
      if (wanted === last) return;
      last = wanted;
      apply(wanted);
    },
  });
}
