import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deedText } from './deed-text.ts';

test('deeds are told as sentences', () => {
  const told = [
    deedText({ kind: 'task.moved', detail: { from: 'todo', to: 'in_progress' } }),
    deedText({
      kind: 'task.updated',
      detail: { priority: { from: 'none', to: 'high' }, assigneeId: { from: null, to: 'x' }, description: 'changed' },
    }),
    deedText({ kind: 'project.updated', detail: { changed: ['name', 'description'] } }),
    deedText({ kind: 'member.role-changed', detail: { userId: 'x', from: 'member', to: 'admin' } }),
  ];
  assert.deepEqual(told, [
    'moved the task from To do to In progress',
    'changed the priority from No priority to High, the assignee and the description',
    'changed the name and the description of the project',
    'changed a member’s role from Member to Admin',
  ]);
});

test('what is not known is named as it is', () => {
  assert.equal(deedText({ kind: 'task.copied-over', detail: {} }), 'task: copied over');
});
