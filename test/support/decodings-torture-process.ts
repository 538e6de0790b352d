/**
 * Bodies for `npm run torture -- decodings`: told how many and a seed, it codes bodies of any kind in every way and has the
 * programs zstd, brotli, gzip and curl (by `--compressed`, over HTTP) decode them. What does not come back byte for byte fails.
 */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { codeStream } from '../../packages/autopilot/src/compress/coded-stream.ts';
import { type CodingLevel, codingLevels } from '../../packages/autopilot/src/compress/coding-level.ts';
import { Encoders } from '../../packages/autopilot/src/compress/encoders.ts';
import { padded } from '../../packages/autopilot/src/compress/padding.ts';
import { REUSED_MAX_BYTES, reusedContext } from '../../packages/autopilot/src/compress/reused-context.ts';
import { random } from './random.ts';

const [bodies = '100', seed = '1'] = process.argv.slice(2);
const next = random(Number(seed));
const below = (bound: number): number => Math.floor(next() * bound);
const folder = mkdtempSync(join(tmpdir(), 'decodings-'));
const file = join(folder, 'body');
const encoders = new Encoders();
const publicOnly = new Encoders({ openContext: () => null });
const ways = ['reused', 'public', 'thread', 'padded', 'stream', 'events', 'dictionary'] as const;
const counts = new Map<string, number>();
const run = promisify(execFile);
/** What the server below answers next. */
let served: { readonly coding: string; readonly coded: Uint8Array } = { coding: '', coded: Buffer.alloc(0) };
const server = createServer((_, response) => {
  response.setHeader('content-encoding', served.coding);
  response.end(served.coded);
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo; // it listens on TCP

try {
  for (let turn = 0; turn < Number(bodies); turn++) {
    const way = ways[turn % ways.length] ?? 'reused';
    const level = levelFor(way);
    const whole = anyBody();
    // Longer ones have no dictionary.
    const body = way === 'dictionary' ? whole.subarray(0, REUSED_MAX_BYTES) : whole;
    const dictionary = way === 'dictionary' ? anyBody(1) : null;
    const coded = await code(way, level, body, dictionary);
    const decoders = [
      // There is no program for deflate, and curl knows no dictionaries.
      ...(level.coding === 'deflate' ? [] : [() => decode(level, coded, dictionary)]),
      ...(way === 'dictionary' ? [] : [() => decodeByCurl(level, coded)]),
    ];
    for (const decoded of decoders) {
      if (!(await decoded()).equals(body)) {
        throw new Error(
          `seed ${seed}, body ${turn}: ${body.byteLength} bytes by ${level.name}, ${way}, did not come back`,
        );
      }
    }
    counts.set(way, (counts.get(way) ?? 0) + 1);
  }
  console.log(JSON.stringify({ bodies: Number(bodies), ...Object.fromEntries(counts), seed: Number(seed) }));
} finally {
  server.close();
  encoders[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}

function levelFor(way: (typeof ways)[number]): CodingLevel {
  const fitting = codingLevels.filter(({ coding }) => {
    if (way === 'dictionary') return coding === 'zstd';
    return way === 'padded' ? coding === 'zstd' || coding === 'gzip' : true;
  });
  const level = fitting[below(fitting.length)];
  if (level === undefined) throw new Error(`nothing codes ${way}`);
  return level;
}

/** Text, rows, noise or a mixture of them, of any length up to 600 KB and mostly short. */
function anyBody(least = 0): Buffer {
  const length = least + Math.floor(600_000 * next() ** 8);
  const parts: Buffer[] = [];
  for (let left = length; left > 0; ) {
    const size = Math.min(left, 1 + below(20_000));
    const kind = below(3);
    if (kind === 0) parts.push(Buffer.from(Array.from({ length: size }, () => below(256))));
    else if (kind === 1) parts.push(Buffer.alloc(size, `{"id":${below(1e9)},"title":"task ${below(1e6)}"},`));
    else parts.push(Buffer.from(Array.from({ length: size }, () => 97 + below(4))));
    left -= size;
  }
  return Buffer.concat(parts);
}

async function code(
  way: (typeof ways)[number],
  level: CodingLevel,
  body: Buffer,
  dictionary: Buffer | null,
): Promise<Uint8Array> {
  switch (way) {
    case 'reused':
      return encoders.encodeSync(level, body);
    case 'public':
      return publicOnly.encodeSync(level, body);
    case 'thread':
      return encoders.encode(level, body);
    case 'padded':
      return padded(level.coding, encoders.encodeSync(level, body), below(4_096));
    case 'stream':
    case 'events': {
      const head = { chunks: [body.subarray(0, below(body.byteLength))], byteLength: 0, ended: false };
      const rest = body.subarray(head.chunks[0]?.byteLength);
      return buffer(codeStream(Readable.from(cut(rest)), head, level, way === 'events', () => {}));
    }
    case 'dictionary': {
      const context = reusedContext(level.coding, level.level, dictionary ?? undefined);
      if (context === null) throw new Error('this runtime has no context with a dictionary');
      try {
        // The second body in it, as in life.
        context.encode(dictionary ?? body, Math.min(1_000, dictionary?.byteLength ?? 0));
        return context.encode(body, body.byteLength);
      } finally {
        context.close();
      }
    }
  }
}

function cut(bytes: Buffer): readonly Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + 1 + below(30_000);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

async function decodeByCurl({ coding }: CodingLevel, coded: Uint8Array): Promise<Buffer> {
  served = { coding, coded };
  const url = `http://127.0.0.1:${port}/`;
  const { stdout } = await run('curl', ['-s', '-S', '-f', '--compressed', url], {
    encoding: 'buffer',
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

/** By programs that share no code with Node. */
function decode({ coding }: CodingLevel, coded: Uint8Array, dictionary: Buffer | null): Buffer {
  writeFileSync(file, coded);
  const options = { maxBuffer: 16 * 1024 * 1024 };
  switch (coding) {
    case 'br':
      return execFileSync('brotli', ['-d', '-c', file], options);
    case 'gzip':
      return execFileSync('gzip', ['-d', '-c'], { ...options, input: coded });
    case 'deflate':
      throw new Error('there is no program for deflate');
    case 'zstd': {
      if (dictionary === null) return execFileSync('zstd', ['-q', '-d', '-c', file], options);
      writeFileSync(`${file}.dictionary`, dictionary);
      return execFileSync('zstd', ['-q', '-d', '-c', '-D', `${file}.dictionary`, file], options);
    }
  }
}
