import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
// OpenTelemetry's own messages; later releases write them by hand and can't read them.
import messages from 'otlp-transformer-with-types/build/src/generated/root.js';

/** A point as OpenTelemetry's decoder gives it, with numbers for its 64-bit integers. */
export interface ReceivedPoint {
  readonly attributes: Readonly<Record<string, string>>;
  readonly startTimeUnixNano: number;
  readonly timeUnixNano: number;
  readonly asDouble?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly scale?: number;
  readonly zeroCount?: number;
  readonly min?: number;
  readonly max?: number;
  readonly positive?: { readonly offset: number; readonly bucketCounts: readonly number[] };
}

/** A metric of one resource. */
export interface ReceivedMetric {
  readonly resource: Readonly<Record<string, string>>;
  readonly name: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge' | 'exponentialHistogram';
  readonly temporality: number;
  readonly points: readonly ReceivedPoint[];
}

/** What the next request is answered with. */
export interface ReceiverAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** An OTLP/HTTP endpoint whose messages are decoded by the OpenTelemetry packages. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly taken: boolean }[];
  /** Of the requests that were answered with 200, in order. */
  readonly pushes: (readonly ReceivedMetric[])[];
  /** Answers for the next requests; after them 200. */
  readonly answers: ReceiverAnswer[];
}

interface RawAttribute {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}
type RawData = { readonly aggregationTemporality?: number; readonly dataPoints: readonly RawPoint[] };
type RawPoint = Omit<ReceivedPoint, 'attributes'> & { readonly attributes?: readonly RawAttribute[] };
interface RawRequest {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly RawAttribute[] };
    readonly scopeMetrics: readonly {
      readonly metrics: readonly ({ readonly name: string; readonly unit: string } & Readonly<
        Partial<Record<ReceivedMetric['kind'], RawData>>
      >)[];
    }[];
  }[];
}

interface Decoder {
  decode(body: Uint8Array): unknown;
  toObject(message: unknown, options: { readonly longs: NumberConstructor }): unknown;
}
// Its declarations leave out what the file defines.
const { opentelemetry } = messages as unknown as {
  opentelemetry: { proto: { collector: { metrics: { v1: { ExportMetricsServiceRequest: Decoder } } } } };
};
const { ExportMetricsServiceRequest } = opentelemetry.proto.collector.metrics.v1;
const kinds = ['sum', 'gauge', 'exponentialHistogram'] as const;

function attributesOf(list: readonly RawAttribute[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue]));
}

function decode(body: Uint8Array): readonly ReceivedMetric[] {
  const decoded = ExportMetricsServiceRequest.decode(body);
  const raw = ExportMetricsServiceRequest.toObject(decoded, { longs: Number }) as RawRequest; // its schema
  return raw.resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.map((metric): ReceivedMetric => {
        const kind = kinds.find((one) => metric[one] !== undefined) ?? 'gauge';
        const data = metric[kind];
        return {
          resource: attributesOf(resource.attributes),
          name: metric.name,
          unit: metric.unit,
          kind,
          temporality: data?.aggregationTemporality ?? 0,
          points: (data?.dataPoints ?? []).map((point) => ({ ...point, attributes: attributesOf(point.attributes) })),
        };
      }),
    ),
  );
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const receiver = { requests: [], pushes: [], answers: [] } as Pick<OtlpReceiver, 'requests' | 'pushes' | 'answers'>;
  const server = createServer((request, response) => {
    void buffer(request).then((sent) => {
      const { status, headers = {}, body } = receiver.answers.shift() ?? { status: 200 };
      receiver.requests.push({ path: request.url ?? '', headers: request.headers, taken: status === 200 });
      if (status === 200) {
        receiver.pushes.push(decode(request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent));
      }
      response.writeHead(status, headers).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    ...receiver,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
