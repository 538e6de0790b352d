import type { EpochMs } from '@teamflow/autopilot/contract';
import { useEffect, useState } from 'react';

/** The present in steps of `everyMs`, so that what is asked for it stays the same for so long; null: it does not move. */
export function useNow(everyMs: number | null): EpochMs {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (everyMs === null) return undefined;
    const tick = (): void => {
      if (!document.hidden) setNow(Date.now());
    };
    // At once too: it may have stood still for long.
    const first = setTimeout(tick, 0);
    const timer = setInterval(tick, everyMs);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [everyMs]);
  return now;
}
