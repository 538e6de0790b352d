/** Of the control planes that share a database one pushes: what each instance did reaches the collector once, also when the lead changes. */
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import pg from 'pg';
import { type ControlPlane, createControlPlane } from '../../packages/autopilot/src/control-plane.ts';
import { otlpSettings } from '../../packages/autopilot/src/expose/otlp-settings.ts';
import {
  type ControlChannel,
  type DownMessage,
  LINK_PROTOCOL,
  type UpMessage,
} from '../../packages/autopilot/src/link/protocol.ts';
import { leakCheck } from '../support/leak-check.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { databaseFor, throwawayCluster } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const LIMIT_MS = 20_000;

interface Place {
  readonly plane: ControlPlane;
  readonly receiver: OtlpReceiver;
}

async function placeOf(t: TestContext, databaseUrl: string): Promise<Place> {
  const receiver = await startOtlpReceiver();
  t.after(() => receiver[Symbol.asyncDispose]());
  const otlp = otlpSettings({ AUTOPILOT_OTLP_ENDPOINT: receiver.url, AUTOPILOT_OTLP_INTERVAL_MS: '1000' });
  const plane = await createControlPlane({ port: 0, databaseUrl, otlp });
  t.after(() => plane.close());
  return { plane, receiver };
}

/** An agent of its own words, linked to a control plane for as long as the test lasts. */
class Agent {
  readonly #heard: DownMessage[] = [];
  readonly #instance: string;
  #say: (message: UpMessage) => void = () => {};
  #sequence = 0;

  constructor(instance: string, plane: ControlPlane) {
    this.#instance = instance;
    const channel: ControlChannel = {
      send: (message) => {
        this.#heard.push(message);
        return true;
      },
      onMessage: (listener) => {
        this.#say = listener;
      },
      onClose: () => {},
      close: () => {},
    };
    plane.accept(channel);
    const hello = { protocol: LINK_PROTOCOL, origin: originOf(instance), pid: 1, startedAt: 0, databases: [] };
    this.#say({ kind: 'hello', ...hello });
  }

  /** One window with so many requests, sent until a control plane has taken it. */
  async did(requests: number): Promise<void> {
    const start = Math.floor(Date.now() / 1000) * 1000 + this.#sequence;
    const windows = [
      windowOf(start, [
        routeOf(
          'GET /tasks',
          Array.from({ length: requests }, () => 5),
        ),
      ]),
    ];
    const before = this.#sequence;
    const isTaken = (): boolean => this.#heard.some((one) => one.kind === 'ack' && one.sequence > before);
    await until(
      LIMIT_MS,
      async () => {
        if (!isTaken() && this.#heard.some(({ kind }) => kind === 'welcome')) {
          this.#sequence++;
          this.#say({ kind: 'windows', sequence: this.#sequence, windows, statements: [] });
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
        return isTaken();
      },
      (taken) => taken,
    );
  }

  /** Requests of this instance as the collector knows them from these pushes: the latest total. */
  countIn({ pushes }: OtlpReceiver): number {
    let count = 0;
    for (const { name, resource, points } of pushes.flat()) {
      if (name !== 'http.server.request.duration' || resource['service.instance.id'] !== this.#instance) continue;
      count = points.find(({ attributes }) => attributes['http.route'] === '/tasks')?.count ?? count;
    }
    return count;
  }
}

test('the leader pushes for all, a standby nothing; who led before pushes what it has, and no more', async (t) => {
  const { url } = await databaseFor(t, { server: await throwawayCluster() });
  const first = await placeOf(t, url);
  const isRole = (kind: string, { plane }: Place): Promise<unknown> =>
    until(
      LIMIT_MS,
      () => Promise.resolve(plane.role?.kind),
      (role) => role === kind,
    );
  await isRole('leading', first);
  const second = await placeOf(t, url);
  await isRole('standby', second);
  const one = new Agent('one', first.plane);
  const two = new Agent('two', second.plane);
  await Promise.all([one.did(5), two.did(7)]);
  const counts = ({ receiver }: Place): Promise<readonly number[]> =>
    Promise.resolve([one.countIn(receiver), two.countIn(receiver)]);
  const reached = (place: Place, expected: readonly number[]): Promise<unknown> =>
    until(
      LIMIT_MS,
      () => counts(place),
      (found) => String(found) === String(expected),
    );
  await reached(first, [5, 7]);
  assert.equal(second.receiver.pushes.length, 0);

  // Somebody takes the lead away.
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  t.after(() => pool.end());
  await until(
    LIMIT_MS,
    async () => {
      if (second.plane.role?.kind !== 'leading') await pool.query('UPDATE autopilot.leader SET holder = NULL');
      return second.plane.role?.kind;
    },
    (role) => role === 'leading',
  );
  await isRole('standby', first);
  await Promise.all([one.did(3), two.did(4)]);
  await reached(second, [3, 4]);
  // Together each once.
  assert.deepEqual(await counts(first), [5, 7]);
  const { length } = first.receiver.pushes;
  const before = second.receiver.pushes.length;
  await until(
    LIMIT_MS,
    () => Promise.resolve(second.receiver.pushes.length),
    (pushes) => pushes >= before + 2,
  );
  assert.equal(first.receiver.pushes.length, length);
});
