import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestContext, RequestScope } from './request-scope.ts';

test('database time counts once however many calls overlap, and up to the end of the request', () => {
  const scope = new RequestScope(100);
  scope.enterDatabase(110);
  scope.enterDatabase(115);
  scope.leaveDatabase(120);
  scope.leaveDatabase(130);
  scope.enterDatabase(150);
  scope.countCall();
  assert.equal(scope.databaseMs(160), 30);
  assert.equal(scope.databaseCalls, 1);
});

test('a context that nobody enabled runs what it is given and knows nothing', () => {
  const context = new RequestContext();
  assert.equal(
    context.run(new RequestScope(0), () => context.current()),
    undefined,
  );
  context.enable();
  const scope = new RequestScope(0);
  assert.equal(
    context.run(scope, () => context.current()),
    scope,
  );
  assert.equal(context.current(), undefined);
});
