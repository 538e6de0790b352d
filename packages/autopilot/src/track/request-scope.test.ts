import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REPEATED_CALLS, RequestContext, RequestScope } from './request-scope.ts';
import { StatementRegistry } from './statement-registry.ts';

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

test('statements that a request repeats are told apart from those that it sends now and then', () => {
  const registry = new StatementRegistry();
  const [list, item, rare] = ['select 1 from list', 'select 1 from item', 'select 1 from rare'].map((text) =>
    registry.find('main', text, 0),
  );
  assert.ok(list !== undefined && item !== undefined && rare !== undefined);
  const scope = new RequestScope(0);
  assert.deepEqual(scope.repeats(), []);
  scope.countSent(list);
  for (let row = 1; row < REPEATED_CALLS; row++) assert.equal(scope.countSent(item), row);
  scope.countSent(rare);
  assert.deepEqual(scope.repeats(), []);
  scope.countSent(item);
  assert.deepEqual(scope.repeats(), [{ statement: item, calls: REPEATED_CALLS }]);
  const busy = new RequestScope(0);
  for (let row = 0; row < 20; row++) busy.countSent(list);
  assert.deepEqual(busy.repeats(), [{ statement: list, calls: 20 }]);
});
