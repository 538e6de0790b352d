/** One specification of compression, for every server that can have it. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import Fastify from 'fastify';
import { createAgent } from '../../packages/autopilot/src/agent.ts';
import { autopilot } from '../../packages/autopilot/src/host/fastify.ts';
import { compression } from '../../packages/autopilot/src/host/node-http.ts';
import { abortDownloads } from '../support/aborted-downloads.ts';
import { compressionRules, headerOf, ruledAnswer } from '../support/compression-rules.ts';

const run = promisify(execFile);

/** The codings that the curl of this machine decodes, with code that is not Node's. */
const curlDecodes: readonly string[] = (() => {
  try {
    const features = execFileSync('curl', ['-V'], { encoding: 'utf8' });
    const has = (feature: string): boolean => new RegExp(`\\b${feature}\\b`).test(features);
    return [
      ...(has('libz') ? ['gzip', 'deflate'] : []),
      ...(has('brotli') ? ['br'] : []),
      ...(has('zstd') ? ['zstd'] : []),
    ];
  } catch {
    return [];
  }
})();

interface Served {
  readonly port: number;
  close(): Promise<void>;
}

const servers: Readonly<Record<string, () => Promise<Served>>> = {
  'the Fastify plugin': async () => {
    const agent = createAgent({ service: 'orders', controlPlane: 'none' });
    const app = Fastify({ forceCloseConnections: true });
    await app.register(autopilot, { agent, security: false });
    app.get('/*', async (request, reply) => {
      const { status, headers, body } = ruledAnswer(request.url, headerOf(request.headers));
      return reply.code(status).headers(headers).send(body);
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo; // it listens on TCP
    return {
      port,
      close: async () => {
        await app.close();
        await agent.close();
      },
    };
  },
  'the middleware, by setHeader and end': () => serveNode(answerBySetHeader),
  'the middleware, by writeHead and write': () => serveNode(answerByWriteHead),
};

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

async function serveNode(answer: Answering): Promise<Served> {
  const compress = compression();
  const server = createServer((request, response) => compress(request, response, () => answer(request, response)));
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    port,
    close: async () => {
      compress[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise((closed) => {
        server.close(closed);
      });
    },
  };
}

function answerBySetHeader(request: IncomingMessage, response: ServerResponse): void {
  const { status, headers, body } = ruledAnswer(request.url ?? '/', headerOf(request.headers));
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body instanceof Readable) {
    response.once('close', () => body.destroy());
    body.pipe(response);
  } else response.end(body ?? undefined);
}

function answerByWriteHead(request: IncomingMessage, response: ServerResponse): void {
  const { status, headers, body } = ruledAnswer(request.url ?? '/', headerOf(request.headers));
  response.writeHead(status, 'Fine', headers);
  if (body instanceof Readable) {
    response.once('close', () => body.destroy());
    body.pipe(response);
  } else if (body === null) response.end();
  else {
    response.write(body.slice(0, 5));
    response.end(body.slice(5));
  }
}

it('downloads whose clients go away leave nothing behind', async () => {
  const { openBodies, connections, codingAfter } = await abortDownloads(200);
  assert.deepEqual({ openBodies, connections, codingAfter }, { openBodies: 0, connections: 0, codingAfter: 'gzip' });
});

for (const [name, serve] of Object.entries(servers)) {
  describe(name, () => {
    let served: Served;
    before(async () => {
      served = await serve();
    });
    after(() => served.close());
    it('curl reads bodies and streams in every coding', async (t) => {
      if (curlDecodes.length === 0) t.diagnostic('there is no curl here that decodes');
      const read = async (path: string, coding: string): Promise<string> => {
        const url = `http://127.0.0.1:${served.port}${path}`;
        const said = [
          '-s',
          '-S',
          '--compressed',
          '-H',
          `accept-encoding: ${coding}`,
          '-w',
          '\n%header{content-encoding}',
        ];
        return (await run('curl', [...said, url], { maxBuffer: 1e8 })).stdout;
      };
      await Promise.all(
        ['/json', '/chunks', '/tagged', '/megabytes'].map(async (path) => {
          const plain = await read(path, 'identity');
          for (const coding of curlDecodes)
            assert.equal(await read(path, coding), `${plain}${coding}`, `${path} by ${coding}`);
        }),
      );
    });
    for (const rule of compressionRules) {
      it(rule.name, async () => {
        assert.equal(await rule.check(served.port), null);
      });
    }
  });
}
