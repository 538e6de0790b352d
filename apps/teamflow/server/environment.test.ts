import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvironmentError, readEnvironment } from './environment.ts';

test('nothing given: the defaults of the run contract', () => {
  assert.deepEqual(readEnvironment({}), {
    port: 3000,
    host: '127.0.0.1',
    publicUrl: undefined,
    trustedProxies: [],
    databaseUrl: undefined,
    data: undefined,
    seed: undefined,
    indexes: undefined,
    secret: undefined,
    signUp: 'open',
    plants: new Set(),
    stateDirectory: undefined,
    administrator: { email: 'admin@teamflow.local', emailGiven: false, password: undefined },
  });
});

test('everything given is taken as given; an empty variable is none', () => {
  const environment = readEnvironment({
    PORT: '0',
    HOST: '',
    DATABASE_URL: 'postgres://user:pass@/teamflow?host=/tmp/sockets',
    TEAMFLOW_URL: 'https://team.example',
    TEAMFLOW_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
    TEAMFLOW_DATA: 'large',
    TEAMFLOW_SEED: '7',
    TEAMFLOW_INDEXES: 'neglected',
    TEAMFLOW_SECRET: 'x'.repeat(32),
    TEAMFLOW_STATE: '/var/lib/teamflow',
    TEAMFLOW_SIGN_UP: 'closed',
    TEAMFLOW_PLANT: 'n-plus-one',
    TEAMFLOW_ADMIN_EMAIL: 'Boss@Team.example',
    TEAMFLOW_ADMIN_PASSWORD: 'correct horse',
  });
  assert.deepEqual(environment, {
    port: 0,
    host: '127.0.0.1',
    publicUrl: 'https://team.example',
    trustedProxies: ['127.0.0.1', '10.0.0.0/8'],
    databaseUrl: 'postgres://user:pass@/teamflow?host=/tmp/sockets',
    data: 'large',
    seed: 7,
    indexes: 'neglected',
    secret: 'x'.repeat(32),
    stateDirectory: '/var/lib/teamflow',
    signUp: 'closed',
    plants: new Set(['n-plus-one']),
    administrator: { email: 'boss@team.example', emailGiven: true, password: 'correct horse' },
  });
});

test('all that is wrong is said at once, with the variable and what is allowed, and no secret', () => {
  const variables = {
    PORT: '65536',
    HOST: '999.1.1.1',
    DATABASE_URL: 'mysql://root:hunter2@localhost/x',
    TEAMFLOW_URL: 'https://team.example/path',
    TEAMFLOW_DATA: 'huge',
    TEAMFLOW_SEED: '-1',
    TEAMFLOW_INDEXES: 'none',
    TEAMFLOW_SECRET: 'too short',
    TEAMFLOW_ADMIN_EMAIL: 'nobody',
    TEAMFLOW_ADMIN_PASSWORD: 'hunter2',
  };
  assert.throws(
    () => readEnvironment(variables),
    (error: unknown) => {
      assert.ok(error instanceof EnvironmentError);
      for (const name of Object.keys(variables)) assert.match(error.message, new RegExp(`^  ${name} is `, 'm'));
      assert.match(error.message, /TEAMFLOW_DATA is "huge"; it must be one of none, small, medium, large\./);
      assert.match(error.message, /PORT is "65536"; it must be a whole number from 0 to 65535\./);
      assert.doesNotMatch(error.message, /hunter2|too short/);
      return true;
    },
  );
  for (const host of ['999.1.1.1', '1', '[::1]', 'fe80::1%eth0', 'a b', 'http://x', 'x:80', '-x', 'x..y']) {
    assert.throws(() => readEnvironment({ HOST: host }), /HOST is .*; it must be an IP address/, host);
  }
  for (const host of ['0.0.0.0', '::', '::1', 'localhost', 'team.example', 'Web-1']) {
    assert.equal(readEnvironment({ HOST: host }).host, host);
  }
  for (const port of ['', ' 1', '1e3', '3000.5', 'abc', '0x10']) {
    const read = (): unknown => readEnvironment({ PORT: port });
    if (port === '') assert.doesNotThrow(read);
    else assert.throws(read, EnvironmentError);
  }
});
