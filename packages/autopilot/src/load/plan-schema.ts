import type { SchemaNode } from './schema-check.ts';

/** Fields that must be there are marked; the rest may be left out. */
function object(
  description: string,
  fields: Readonly<Record<string, SchemaNode>>,
  required: readonly string[] = [],
): SchemaNode {
  return { type: 'object', description, properties: fields, required, additionalProperties: false };
}

const text = (description: string): SchemaNode => ({ type: 'string', description, minLength: 1 });
const whole = (description: string, minimum: number): SchemaNode => ({ type: 'integer', description, minimum });
const positive = (description: string): SchemaNode => ({ type: 'number', description, exclusiveMinimum: 0 });
const notNegative = (description: string): SchemaNode => ({ type: 'number', description, minimum: 0 });
const ratio = (description: string): SchemaNode => ({ type: 'number', description, minimum: 0, maximum: 1 });
const flag = (description: string): SchemaNode => ({ type: 'boolean', description });
const list = (description: string, items: SchemaNode, minItems = 1): SchemaNode => ({
  type: 'array',
  description,
  items,
  minItems,
  maxItems: 100_000,
});
const texts = (description: string): SchemaNode => ({
  type: 'object',
  description,
  additionalProperties: { type: 'string' },
});

const thinkMs: SchemaNode = { $ref: '#/$defs/thinkTime' };
const steps = (description: string): SchemaNode => list(description, { $ref: '#/$defs/step' });

const open = {
  spacing: {
    type: 'string',
    description: 'how evenly arrivals come: "even", or "poisson" as independent users do',
    enum: ['even', 'poisson'],
  },
  users: whole('the most iterations under way at once, each with a session and a connection of its own', 1),
  maxWaiting: whole('the most arrivals that wait for a free user; more are dropped and end the run', 1),
} as const satisfies Record<string, SchemaNode>;

/** The format of a plan as JSON Schema 2020-12: what readPlan() checks, and what an editor completes by. */
export const planSchema: SchemaNode = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Load plan of TeamFlow Autopilot',
  ...object(
    'what a load test does',
    {
      $schema: { type: 'string', description: 'where this schema lies, for editors' },
      name: text('names the test in results'),
      description: { type: 'string', description: 'what it is about' },
      target: text('the origin that every request goes to, as "http://127.0.0.1:3000"'),
      seed: whole('decides every random choice; default 1', 0),
      load: {
        description: 'how much, and when',
        anyOf: [
          object(
            'open model: iterations begin when they are due',
            {
              kind: { const: 'arrivals' },
              stages: list(
                'rates one after the other',
                object(
                  'a constant rate, or one that goes evenly to another',
                  {
                    durationMs: positive('how long it lasts, in ms'),
                    ratePerSecond: notNegative('iterations that begin a second'),
                    toRatePerSecond: notNegative('the rate at its end; left out: the same'),
                  },
                  ['durationMs', 'ratePerSecond'],
                ),
              ),
              spikes: list(
                'bursts that replace the rate of the stages for a while',
                object(
                  'a burst',
                  {
                    atMs: notNegative('when it begins, in ms after the start'),
                    durationMs: positive('how long it lasts, in ms'),
                    ratePerSecond: notNegative('iterations that begin a second'),
                  },
                  ['atMs', 'durationMs', 'ratePerSecond'],
                ),
                0,
              ),
              ...open,
            },
            ['kind', 'stages', 'users'],
          ),
          object(
            'open model with the shape of recorded traffic',
            {
              kind: { const: 'replay' },
              ratesPerSecond: list('iterations a second, step by step', notNegative('iterations a second')),
              stepMs: positive('how long each rate holds, in ms'),
              rateFactor: positive('multiplies every rate; default 1'),
              ...open,
            },
            ['kind', 'ratesPerSecond', 'stepMs', 'users'],
          ),
          object(
            'closed model: users that go on when they are done and have thought',
            {
              kind: { const: 'users' },
              stages: list(
                'numbers of users one after the other',
                object(
                  'a constant number, or one that goes evenly to another',
                  {
                    durationMs: positive('how long it lasts, in ms'),
                    users: whole('users', 0),
                    toUsers: whole('users at its end; left out: the same', 0),
                  },
                  ['durationMs', 'users'],
                ),
              ),
              thinkMs,
            },
            ['kind', 'stages'],
          ),
        ],
      },
      warmupMs: notNegative('requests due in this first part are kept apart from the figures; default 0'),
      http: object('how requests travel', {
        version: { type: 'integer', description: '1 (HTTP/1.1, the default) or 2', enum: [1, 2] },
        timeoutMs: positive('how long a response may take, in ms; default 10000'),
        keepAlive: flag('false opens a connection for each request'),
        maxRedirects: {
          type: 'integer',
          description: 'redirects followed, within the target',
          minimum: 0,
          maximum: 20,
        },
        verifyCertificate: flag('false takes any certificate'),
        certificateAuthority: text('PEM text of certificates to trust as well'),
      }),
      headers: texts('sent with every request; values are templates'),
      data: {
        type: 'object',
        description: 'rows that expressions read by the name given here',
        additionalProperties: object('a source of rows: a file or the rows themselves', {
          file: text('a .csv, .json or .jsonl file beside the plan'),
          rows: list('the rows', {}),
          pick: {
            type: 'string',
            description: 'which row: of the user, of the iteration in sequence (default), or drawn at random',
            enum: ['user', 'sequence', 'random'],
          },
        }),
      },
      prepare: steps('done once by every user before the load begins'),
      flows: list(
        'what users do; one is chosen by weight for each iteration',
        object(
          'steps from beginning to end',
          {
            name: text('names the flow'),
            weight: positive('its share, relative to the other flows; default 1'),
            steps: steps('requests one after the other'),
            cleanUp: steps('done at the end of every iteration, also of one that failed'),
          },
          ['name', 'steps'],
        ),
      ),
      finish: steps('done once by every user after the load ended in order'),
      abort: object('when the run ends itself', {
        errorRatio: ratio('share of requests that failed or timed out in the last second; default 0.5'),
        p95Ms: positive('response time that 95 % stay under in the last second'),
        p99Ms: positive('response time that 99 % stay under in the last second'),
        waitMs: positive('longest wait of an arrival for a free user; default 10000'),
        eventLoopDelayMs: positive("the target's event-loop delay, in ms"),
        cpuCores: positive('cores that the target keeps busy'),
        rssBytes: positive("the target's memory"),
        databaseConnections: positive("the target's database connections in use"),
      }),
      thresholds: list(
        'what the result must show, as "p99 < 200" or "sign in: errorRatio < 0.1 %"',
        text('a condition'),
        0,
      ),
    },
    ['name', 'target', 'load', 'flows'],
  ),
  $defs: {
    thinkTime: {
      description: 'a pause in ms: fixed, between two bounds, or exponential around a mean',
      anyOf: [
        notNegative('ms'),
        object('evenly between two bounds', { minMs: notNegative('least'), maxMs: notNegative('most') }, [
          'minMs',
          'maxMs',
        ]),
        object('exponential', { meanMs: notNegative('mean') }, ['meanMs']),
      ],
    },
    step: object(
      'one request',
      {
        name: text('names the step in results'),
        method: {
          type: 'string',
          description: 'default GET',
          enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
        },
        path: text('begins with "/"; a template whose values are percent-encoded'),
        headers: texts('for this request; values are templates'),
        body: object('exactly one of json, text and form; texts in it are templates', {
          json: {},
          text: { type: 'string', description: 'sent as it is' },
          form: texts('sent URL-encoded'),
          contentType: text('instead of the usual one'),
        }),
        expect: object('checks; one that fails makes the request a failed one', {
          status: {
            description: 'the status or statuses expected; default 200 to 399',
            anyOf: [
              { type: 'integer', minimum: 100, maximum: 599 },
              list('statuses', { type: 'integer', minimum: 100, maximum: 599 }),
            ],
          },
          includes: text('a text that the body holds'),
          json: {
            type: 'object',
            description: 'the value expected at each JSON path',
            additionalProperties: {
              anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }, { type: 'null' }],
            },
          },
          headers: texts('a text that each header holds'),
        }),
        take: {
          type: 'object',
          description: 'values for later steps, by name',
          additionalProperties: object('exactly one of json, header and cookie', {
            json: { type: 'string', description: 'a JSON path, as items[0].id; [*] draws one at random' },
            header: text("a header's name"),
            cookie: text("a cookie's name"),
            optional: flag('true: no failure when it is not there'),
          }),
        },
        chance: ratio('how likely the step is done; default 1'),
        thinkMs,
      },
      ['name', 'path'],
    ),
  },
};
