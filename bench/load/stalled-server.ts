/**
 * A server that is slow by a schedule of its own, which begins with its first request. Started by load.ts:
 *
 *   (none)             answers at once
 *   stall COUNT MS     stands still, event loop and all, COUNT times for MS each, evenly over ten seconds
 *   ramp MS            answers later and later, from at once up to MS after ten seconds
 *
 * On the message `report` it says what it did and what each request cost it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { scheduleMs } from './truth.ts';

const [mode = '', first = '0', second = '0'] = process.argv.slice(2);
const body = '{"hello":"world"}';
const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
const stalls: { fromMs: number; untilMs: number }[] = [];
/** From a request's arrival to its answer, of the mode `ramp`. */
const delays: number[] = [];
let beganAt = Number.NaN;
let requests = 0;
let cpu = process.cpuUsage();

function begin(now: number): void {
  beganAt = now;
  if (mode !== 'stall') return;
  const [count, lengthMs] = [Number(first), Number(second)];
  for (let stall = 0; stall < count; stall++) {
    setTimeout(
      () => {
        const from = performance.now();
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lengthMs);
        stalls.push({ fromMs: from - beganAt, untilMs: performance.now() - beganAt });
      },
      ((stall + 0.5) * scheduleMs) / count,
    );
  }
}

const server = createServer((_, response) => {
  const now = performance.now();
  if (Number.isNaN(beganAt)) begin(now);
  requests++;
  const answer = (): void => {
    if (mode === 'ramp') delays.push(performance.now() - now);
    response.writeHead(200, headers);
    response.end(body);
  };
  if (mode === 'ramp') setTimeout(answer, (Number(first) * (now - beganAt)) / scheduleMs);
  else answer();
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on('message', (message) => {
  if (message === 'report') {
    const { user, system } = process.cpuUsage(cpu);
    const { rss } = process.memoryUsage();
    process.send?.({
      stalls,
      delays,
      requests,
      serviceMs: (user + system) / 1000 / Math.max(1, requests),
      rssBytes: rss,
    });
    // The next run begins its own schedule.
    stalls.length = 0;
    delays.length = 0;
    requests = 0;
    beganAt = Number.NaN;
    cpu = process.cpuUsage();
  }
});
process.on('disconnect', () => process.exit());
