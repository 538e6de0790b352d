import type { Clock } from '../kernel/clock.ts';

const SECOND_MS = 1_000;

/**
 * Calls back once a second, `offsetMs` after the wall clock's full second, so that every window of a second gets one
 * sample however the timer wavers. Does not keep the process alive; disposing ends it. What `callback` throws is dropped.
 */
export function everySecond(clock: Clock, offsetMs: number, callback: () => void): Disposable {
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const since = (((clock.now() - offsetMs) % SECOND_MS) + SECOND_MS) % SECOND_MS;
    timer = setTimeout(() => {
      next();
      try {
        callback();
      } catch {
        // A recorder that fails must not end the application; its sample is missing, which shows.
      }
    }, SECOND_MS - since);
    timer.unref();
  };
  next();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
