import type { EpochMs } from '@teamflow/autopilot/contract';
import { useEffect, useState } from 'react';

/** The present in steps of `everyMs`, so that what is asked for it stays the same for so long; null: it does not move. */
export function useNow(everyMs: number | null): EpochMs {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (everyMs === null) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
