/**
 * A service that gets into trouble some time after its first request: `fail` answers 500, `slow` after 300 ms, `hang`
 * never, `none` goes on. Started by start-target.ts with the mode and the time; says `trouble` when it begins.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [mode = '', afterMs = '0'] = process.argv.slice(2);
let first = Number.NaN;
let last = Number.NaN;
let requests = 0;
let connections = 0;
const troubledAt = (): number => first + Number(afterMs);

const server = createServer((_, response) => {
  last = performance.now();
  requests++;
  if (Number.isNaN(first)) {
    first = last;
    if (Number(afterMs) < 1e6) setTimeout(() => process.send?.('trouble'), Number(afterMs));
  }
  const troubled = last >= troubledAt();
  if (troubled && mode === 'hang') return;
  if (troubled && mode === 'fail') response.statusCode = 500;
  if (troubled && mode === 'slow') setTimeout(() => response.end('late'), 300);
  else response.end('ok');
});
server.on('connection', (socket) => {
  connections++;
  socket.on('close', () => connections--);
});
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);

process.on('message', (message) => {
  if (message !== 'report') return;
  const troubled = last >= troubledAt();
  process.send?.({ connections, requests, troubled, lastAfterMs: Number.isNaN(last) ? null : last - troubledAt() });
});
process.on('disconnect', () => process.exit());
