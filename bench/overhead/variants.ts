import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';

/**
 * One way to serve hello JSON with Fastify and something that watches it. `before` runs before Fastify is imported,
 * which OpenTelemetry needs; `install` gets the application before its route is declared.
 */
export interface Variant {
  readonly label: string;
  readonly before?: () => Promise<void>;
  readonly install?: (app: FastifyInstance) => Promise<void>;
}

/** What switches each request layer off; tracking and its context are what is left. */
const layers = {
  security: { AUTOPILOT__SECURITY__HEADERS: 'false', AUTOPILOT__SECURITY__RATE_LIMITS: 'false' },
  overload: { AUTOPILOT__OVERLOAD__ENABLED: 'false' },
  compression: { AUTOPILOT__COMPRESSION__ENABLED: 'false' },
  resources: { AUTOPILOT__RESOURCES__ENABLED: 'false' },
  headers: { AUTOPILOT__ANSWERS__SERVER_TIMING: 'off', AUTOPILOT__ANSWERS__REQUEST_ID: 'off' },
} as const;

type Layer = keyof typeof layers;

/** The autopilot as a customer registers it, from the built package, its control plane running as a child. */
async function autopilot(app: FastifyInstance, withContext: boolean, on: readonly Layer[]): Promise<void> {
  for (const [layer, off] of Object.entries(layers)) {
    // `as`: the keys of the table
    if (!on.includes(layer as Layer)) Object.assign(process.env, off);
  }
  process.env['AUTOPILOT_PORT'] = '0';
  const [{ createAgent }, plugin, { default: pg }] = await Promise.all([
    import('@teamflow/autopilot'),
    import('@teamflow/autopilot/fastify'),
    import('pg'),
  ]);
  const agent = createAgent({ service: `bench ${process.argv[2]}` });
  // The first instrumented pool switches the request context on. It is never asked for a connection.
  if (withContext) agent.instrument(new pg.Pool());
  await app.register(plugin.autopilot, { agent });
}

/** Metrics, and spans where wished, of node:http; the exporter throws everything away. */
async function openTelemetry(withSpans: boolean): Promise<void> {
  const [{ HttpInstrumentation }, metrics, trace] = await Promise.all([
    import('@opentelemetry/instrumentation-http'),
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/sdk-trace-node'),
  ]);
  const instrumentation = new HttpInstrumentation();
  const meter = new metrics.MeterProvider({
    readers: [
      new metrics.PeriodicExportingMetricReader({
        exporter: new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.DELTA),
        exportIntervalMillis: 60_000,
      }),
    ],
  });
  instrumentation.setMeterProvider(meter);
  if (withSpans) {
    const provider = new trace.NodeTracerProvider({
      spanProcessors: [
        new trace.BatchSpanProcessor({ export: (_, done) => done({ code: 0 }), shutdown: () => Promise.resolve() }),
      ],
    });
    provider.register();
    instrumentation.setTracerProvider(provider);
  }
  instrumentation.enable();
}

export const variants: Readonly<Record<string, Variant>> = {
  bare: { label: 'bare Fastify' },
  again: { label: 'bare Fastify, once more (A/A)' },
  tracking: { label: 'autopilot: tracking', install: (app) => autopilot(app, false, []) },
  context: { label: 'autopilot: tracking with request context', install: (app) => autopilot(app, true, []) },
  security: { label: '  ... and security', install: (app) => autopilot(app, true, ['security']) },
  overload: { label: '  ... and overload protection', install: (app) => autopilot(app, true, ['overload']) },
  compression: { label: '  ... and compression', install: (app) => autopilot(app, true, ['compression']) },
  resources: {
    label: '  ... and event-loop time by route',
    install: (app) => autopilot(app, true, ['resources']),
  },
  headers: { label: '  ... and headers', install: (app) => autopilot(app, true, ['headers']) },
  layers: {
    label: 'autopilot: all layers, as by default',
    install: (app) => autopilot(app, true, ['security', 'overload', 'compression', 'resources', 'headers']),
  },
  promClient: {
    label: 'prom-client 15: histogram, 3 labels',
    install: async (app) => {
      const { default: prom } = await import('prom-client-15');
      const histogram = new prom.Histogram({
        name: 'http_request_duration_seconds',
        help: 'Duration of requests',
        labelNames: ['method', 'route', 'status'],
      });
      app.addHook('onResponse', (request, reply, done) => {
        const labels = { method: request.method, route: request.routeOptions.url ?? '', status: reply.statusCode };
        histogram.observe(labels, reply.elapsedTime / 1000);
        done();
      });
    },
  },
  underPressure: {
    label: '@fastify/under-pressure',
    install: async (app) => {
      const { default: underPressure } = await import('@fastify/under-pressure');
      await app.register(underPressure, {
        maxEventLoopDelay: 60_000,
        maxHeapUsedBytes: 8e9,
        maxRssBytes: 16e9,
        maxEventLoopUtilization: 1,
      });
    },
  },
  otelMetrics: { label: 'OpenTelemetry: metrics only', before: () => openTelemetry(false) },
  otelSpans: {
    label: 'OpenTelemetry: http + fastify spans',
    before: () => openTelemetry(true),
    install: async (app) => {
      const { default: FastifyOtel } = await import('@fastify/otel');
      await app.register(new FastifyOtel.FastifyOtelInstrumentation().plugin());
    },
  },
  swaggerStats: {
    label: 'swagger-stats',
    install: async (app) => {
      const { default: swaggerStats } = await import('swagger-stats');
      const middleware = swaggerStats.getMiddleware({}) as (
        request: IncomingMessage,
        response: ServerResponse,
        next: () => void,
      ) => void; // `as`: the package declares it for Express
      app.addHook('onRequest', (request, reply, done) => middleware(request.raw, reply.raw, done));
    },
  },
};
