import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addressKindOf, isRange, isWithin } from './address-range.ts';
import { compilePlan } from './compiled-plan.ts';
import type { Connect } from './connector.ts';
import { socketConnect } from './connector.ts';
import { LoadEngine } from './engine.ts';
import { Http1Transport } from './http1-transport.ts';
import type { LoadPlan } from './plan.ts';
import { machineClock, SharedState } from './shared-state.ts';
import { admitTarget, LOOPBACK_TARGETS, type PinnedTarget, type Resolve } from './target.ts';
import { TimerWaker } from './waker.ts';

const refused = { code: 'AP_LOAD_TARGET_REFUSED' };

/** A resolver that knows only these names, and counts. */
function resolver(names: Readonly<Record<string, readonly (readonly string[])[]>>): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve = (name: string): Promise<readonly string[]> => {
    const answers = names[name] ?? [];
    const answer = answers[Math.min(asked.filter((one) => one === name).length, answers.length - 1)];
    asked.push(name);
    return answer === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(answer);
  };
  return Object.assign(resolve, { asked });
}

describe('addresses', () => {
  test('are known for what they are, in every form', () => {
    const kinds: Record<string, readonly string[]> = {
      loopback: [
        '127.0.0.1',
        '127.9.9.9',
        '::1',
        '::ffff:127.0.0.1',
        '::ffff:7f00:1',
        '64:ff9b::7f00:1',
        '2002:7f00:1::',
      ],
      private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fd12::1', '::ffff:10.0.0.1'],
      forbidden: [
        '169.254.169.254',
        '::ffff:169.254.169.254',
        '::ffff:a9fe:a9fe',
        '::169.254.169.254',
        '64:ff9b::a9fe:a9fe',
        '64:ff9b:1::a9fe:a9fe',
        '2002:a9fe:a9fe::1',
        '2001:0:0:0:0:0:5601:5601',
        'fd00:ec2::254',
        '100.100.100.200',
        '168.63.129.16',
        '192.0.0.192',
        'fe80::1',
        'fe80::1%eth0',
        '::1%lo',
        '0.0.0.0',
        '::',
        '255.255.255.255',
        '224.0.0.1',
        'ff02::1',
        '240.0.0.1',
        '/var/run/docker.sock',
        'localhost',
        '',
      ],
      public: ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'],
    };
    for (const [kind, addresses] of Object.entries(kinds)) {
      for (const address of addresses) assert.equal(addressKindOf(address), kind, address);
    }
  });

  test('inside IPv6 are judged as the IPv4 address that they reach', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const form of [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::`]) {
          assert.equal(addressKindOf(form), addressKindOf(address), form);
        }
      }),
    );
  });

  test('ranges', () => {
    assert.ok(isWithin('10.1.2.3', ['10.1.0.0/16']));
    assert.ok(!isWithin('10.2.2.3', ['10.1.0.0/16', '10.2.2.4']));
    assert.ok(isWithin('::ffff:10.1.2.3', ['10.1.2.3']));
    for (const text of ['10.0.0.0/8', 'fd00::/8', '10.0.0.1']) assert.ok(isRange(text));
    for (const text of ['10.0.0.0/33', 'x', '10.0.0.0/', '']) assert.ok(!isRange(text), text);
  });
});

describe('targets', () => {
  test('loopback is allowed where nobody has said otherwise', async () => {
    const resolve = resolver({ localhost: [['127.0.0.1', '::1']] });
    assert.deepEqual(await admitTarget('http://127.0.0.1:3000', LOOPBACK_TARGETS, resolve), {
      origin: 'http://127.0.0.1:3000',
      secure: false,
      address: '127.0.0.1',
      port: 3000,
      authority: '127.0.0.1:3000',
      serverName: '',
    });
    const named = await admitTarget('https://localhost', LOOPBACK_TARGETS, resolve);
    assert.deepEqual([named.address, named.port, named.serverName], ['127.0.0.1', 443, 'localhost']);
    assert.equal((await admitTarget('http://[::1]:80', LOOPBACK_TARGETS, resolve)).address, '::1');
    // A form of it that the URL standard reads as the same address.
    assert.equal((await admitTarget('http://2130706433:3000', LOOPBACK_TARGETS, resolve)).address, '127.0.0.1');
  });

  test('everything else needs a rule', async () => {
    for (const target of [
      'http://example.com',
      'http://10.0.0.5',
      'http://169.254.169.254/',
      'http://[::ffff:127.0.0.1]:3000',
      'http://127.0.0.1.example.com',
      'http://127.0.0.1:3000@example.com',
      'http://user@127.0.0.1:3000',
      'http://user:password@127.0.0.1:3000',
      'http://@127.0.0.1:3000',
      'http:\\\\example.com@127.0.0.1',
      'http://127.0.0.1:3000/path',
      'http://127.0.0.1:3000?query',
      'http://127.0.0.1:3000#hash',
      'unix:/var/run/docker.sock',
      'http+unix://%2Fvar%2Frun%2Fdocker.sock',
      'http://unix:/var/run/docker.sock:/info',
      'file:///etc/passwd',
      'ftp://127.0.0.1',
      '127.0.0.1:3000',
      '//127.0.0.1',
      '',
    ]) {
      const resolve = resolver({});
      await assert.rejects(admitTarget(target, LOOPBACK_TARGETS, resolve), refused, target);
      assert.deepEqual(resolve.asked, [], `${target} was not even resolved`);
    }
  });

  test('a rule opens its origin and no other', async () => {
    const resolve = resolver({ 'staging.example.com': [['93.184.216.34']] });
    const rules = [{ origin: 'https://staging.example.com:8443' }];
    assert.equal((await admitTarget('https://staging.example.com:8443', rules, resolve)).address, '93.184.216.34');
    for (const target of [
      'https://staging.example.com',
      'http://staging.example.com:8443',
      'https://x.staging.example.com:8443',
    ]) {
      await assert.rejects(admitTarget(target, rules, resolve), refused, target);
    }
  });

  test('a name is judged by every address it has', async () => {
    const rules = [{ origin: 'http://app.example.com', addresses: ['10.1.0.0/16'] }];
    const withAddresses = (...addresses: string[]): Promise<PinnedTarget> =>
      admitTarget('http://app.example.com', rules, resolver({ 'app.example.com': [addresses] }));
    assert.equal((await withAddresses('10.1.2.3')).address, '10.1.2.3');
    for (const bad of [
      '10.2.0.1',
      '127.0.0.1',
      '192.168.0.1',
      '::1',
      '169.254.169.254',
      '::ffff:169.254.169.254',
      'fe80::1%eth0',
      '/tmp/socket',
    ]) {
      await assert.rejects(withAddresses('10.1.2.3', bad), refused, bad);
      await assert.rejects(withAddresses(bad), refused, bad);
    }
    await assert.rejects(withAddresses(), refused);
  });

  test('metadata addresses stay closed to every rule', async () => {
    for (const host of ['169.254.169.254', '[fd00:ec2::254]', '[::ffff:169.254.169.254]', '0.0.0.0']) {
      const rules = [{ origin: `http://${host}`, addresses: ['0.0.0.0/0', '::/0'] }];
      await assert.rejects(admitTarget(`http://${host}`, rules), refused, host);
    }
    const opened = [{ origin: 'http://meta.example.com', addresses: ['0.0.0.0/0', '::/0'] }];
    const resolve = resolver({ 'meta.example.com': [['169.254.169.254']] });
    await assert.rejects(admitTarget('http://meta.example.com', opened, resolve), refused);
  });
});

test('localhost that points elsewhere is refused', async () => {
  for (const address of ['10.0.0.1', '169.254.169.254', '93.184.216.34']) {
    const resolve = resolver({ localhost: [['127.0.0.1', address]] });
    // A public address that the name of a rule resolves to is what most rules mean; of localhost nobody means it.
    await assert.rejects(admitTarget('http://localhost:1', LOOPBACK_TARGETS, resolve), refused, address);
  }
});

test('a name that is bound to another address later changes nothing: it is asked for once', async () => {
  const resolve = resolver({ 'app.example.com': [['127.0.0.1'], ['169.254.169.254']] });
  const rules = [{ origin: 'http://app.example.com:1', addresses: ['127.0.0.0/8'] }];
  const target = await admitTarget('http://app.example.com:1', rules, resolve);
  const spoken: string[] = [];
  const real = socketConnect();
  const connect: Connect = (to, request) => {
    spoken.push(to.address);
    return real(to, request);
  };
  // Nothing listens on port 1: each request opens, and fails to, a connection of its own.
  const plan: LoadPlan = {
    name: 'rebinding',
    target: target.origin,
    load: { kind: 'arrivals', users: 3, stages: [{ durationMs: 200, ratePerSecond: 100 }] },
    http: { keepAlive: false },
    flows: [{ name: 'get', steps: [{ name: 'get', path: '/' }] }],
    abort: { errorRatio: 1 },
  };
  const now = machineClock();
  const engine = new LoadEngine({
    plan,
    compiled: compilePlan(plan, {
      version: 1,
      secure: false,
      keepAlive: false,
      authority: target.authority,
      runId: 'r',
    }),
    runId: 'r',
    origin: target.origin,
    share: { index: 0, count: 1 },
    newTransport: () => new Http1Transport({ target, connect, keepAlive: false, readBuffer: Buffer.alloc(1024) }),
    newWaker: (wake) => new TimerWaker(now, wake),
    now,
    state: new SharedState(1),
    worker: 0,
    onCrossing: () => undefined,
  });
  assert.equal(await engine.prepare(), undefined);
  await engine.run(now());
  engine.close();
  assert.deepEqual(resolve.asked, ['app.example.com']);
  assert.equal(spoken.length, 20);
  assert.deepEqual(new Set(spoken), new Set(['127.0.0.1']));
  const failed = engine
    .drainTally()
    .flatMap(({ cells }) => cells)
    .reduce((sum, cell) => sum + cell.failed, 0);
  assert.equal(failed, 20);
});

test('the connector takes addresses only, never a name or a path', () => {
  const connect = socketConnect();
  for (const address of ['localhost', '/var/run/docker.sock', '', '127.0.0.1.example.com']) {
    const target = { origin: 'http://x', secure: false, address, port: 80, authority: 'x', serverName: 'x' };
    assert.throws(() => connect(target, { protocols: [] }), refused, address);
  }
});
