import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AutopilotError } from '../../kernel/errors.ts';
import { storeError } from './store-errors.ts';

function failure(code: string, message = 'said so'): Error {
  return Object.assign(new Error(message), { code });
}

test('an error says what it means and what to do', () => {
  const classes: Readonly<Record<string, readonly Error[]>> = {
    AP_STORE_UNAVAILABLE: [
      failure('ECONNREFUSED'),
      failure('ENOENT', 'connect ENOENT /tmp/.s.PGSQL.5432'),
      failure('57P01', 'terminating connection due to administrator command'),
      failure('57P03', 'the database system is starting up'),
      failure('08006'),
      failure('53300', 'sorry, too many clients already'),
      new Error('Connection terminated unexpectedly'),
      new Error('timeout exceeded when trying to connect'),
      // Both addresses of a host.
      new AggregateError([failure('ECONNREFUSED', 'connect ECONNREFUSED ::1:5432'), failure('ECONNREFUSED')], ''),
    ],
    AP_STORE_DISK_FULL: [failure('53100', 'could not extend file "base/1/2": No space left on device')],
    AP_STORE_PERMISSION: [
      failure('42501'),
      failure('28P01'),
      failure('3D000'),
      new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE'),
    ],
    AP_STORE_SCHEMA_MISSING: [failure('42883'), failure('3F000'), failure('42P01')],
    AP_STORE_READ_ONLY: [failure('25006')],
    AP_STORE_BUSY: [failure('57014'), failure('55P03'), failure('23514'), new Error('Query read timeout')],
    AP_STORE_POOLER: [failure('08P01', 'unsupported startup parameter: statement_timeout')],
    AP_STORE_FAILED: [failure('XX000'), failure('22P02'), new Error('something else')],
  };
  for (const [code, errors] of Object.entries(classes)) {
    for (const error of errors) {
      const told = storeError(error, 'Writing 3 windows of web-1');
      assert.equal(told.code, code, `${error.message} (${'code' in error ? String(error.code) : ''})`);
      assert.match(told.message, /^Writing 3 windows of web-1 failed: .+\.$/);
      assert.ok(told.remedy !== undefined && told.remedy.length > 20);
      assert.equal(told.cause, error);
    }
  }
});

test('an error of the autopilot stays what it is', () => {
  const error = new AutopilotError('AP_STORE_SCHEMA_NEWER', 'The schema is newer.');
  assert.equal(storeError(error, 'Reading'), error);
});
