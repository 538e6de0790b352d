/**
 * A server whose speed is known. Started by start-slow-server.ts:
 *
 *   queue MS         answers one request every MS at most, first come, first served: its capacity is 1000 / MS a second
 *   random MS        answers each after a random time, log-normal with a median of MS
 *
 * It sleeps and works not, so that its speed is the same on a busy machine.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [mode = 'queue', given = '10', seed = '1'] = process.argv.slice(2);
const ms = Number(given);
let freeAtMs = 0;
let state = Number(seed) >>> 0;

/** Numerical Recipes' linear congruential generator, 0 to 1. */
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return (state + 0.5) / 2 ** 32;
}

function delayMs(): number {
  const now = performance.now();
  if (mode === 'random') {
    const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    return ms * Math.exp(0.4 * normal);
  }
  freeAtMs = Math.max(now, freeAtMs) + ms;
  return freeAtMs - now;
}

const server = createServer((_, response) => {
  setTimeout(() => response.end('ok'), delayMs());
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
