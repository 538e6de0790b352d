import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Board, type TaskStatus, taskStatuses } from '../api/wire.ts';
import { cardOf, type Direction, moveCard, neighbourOf, placeOf, stepFrom } from './board-model.ts';

function boardOf(columns: readonly (readonly number[])[]): Board {
  return {
    projectId: 1,
    columns: taskStatuses.map((status, index) => ({
      status,
      count: columns[index]?.length ?? 0,
      tasks: (columns[index] ?? []).map((id) => ({
        id,
        projectId: 1,
        title: `Task ${id}`,
        status,
        priority: 'none',
        assigneeId: null,
        assigneeName: null,
        dueOn: null,
        labels: [],
        position: id,
        createdAt: '2026-03-01T00:00:00.000000Z',
        updatedAt: '2026-03-01T00:00:00.000000Z',
      })),
    })),
  };
}

function idsOf(board: Board): readonly (readonly number[])[] {
  return board.columns.map(({ tasks }) => tasks.map(({ id }) => id));
}

const boards = fc
  .uniqueArray(fc.nat(99), { minLength: 1, maxLength: 20 })
  .chain((ids) =>
    fc
      .array(fc.nat(taskStatuses.length - 1), { minLength: ids.length, maxLength: ids.length })
      .map((columns) => boardOf(taskStatuses.map((_, index) => ids.filter((_id, card) => columns[card] === index)))),
  );

test('a card goes behind another, or first', () => {
  const board = boardOf([[1, 2], [3]]);
  assert.deepEqual(idsOf(moveCard(board, 1, { status: 'todo', afterId: 3 })).slice(0, 2), [[2], [3, 1]]);
  assert.deepEqual(idsOf(moveCard(board, 2, { status: 'backlog', afterId: null })).slice(0, 2), [[2, 1], [3]]);
  assert.deepEqual(
    moveCard(board, 1, { status: 'todo', afterId: 3 }).columns.map(({ count }) => count),
    [1, 2, 0, 0, 0, 0],
  );
  assert.equal(cardOf(moveCard(board, 1, { status: 'done', afterId: null }), 1)?.status, 'done');
});

test('a move to where nothing is changes nothing', () => {
  const board = boardOf([[1, 2], [3]]);
  assert.equal(moveCard(board, 9, { status: 'todo', afterId: null }), board);
  assert.equal(moveCard(board, 1, { status: 'todo', afterId: 2 }), board);
  assert.equal(moveCard(board, 1, { status: 'backlog', afterId: 1 }), board);
});

test('moving loses no card and doubles none, and a step back undoes a step', () => {
  const directions: readonly Direction[] = ['up', 'down', 'left', 'right'];
  fc.assert(
    fc.property(boards, fc.array(fc.constantFrom(...directions), { maxLength: 12 }), (board, steps) => {
      const card = idsOf(board).flat()[0] ?? 0;
      let now = board;
      for (const direction of steps) {
        const place = stepFrom(now, card, direction);
        if (place === undefined) continue;
        const next = moveCard(now, card, place);
        assert.deepEqual(placeOf(next, card), place);
        if (direction === 'up') assert.deepEqual(stepFrom(next, card, 'down'), placeAfter(now, card));
        now = next;
      }
      assert.deepEqual(new Set(idsOf(now).flat()), new Set(idsOf(board).flat()));
      assert.equal(idsOf(now).flat().length, idsOf(board).flat().length);
      for (const { count, tasks } of now.columns) assert.equal(count, tasks.length);
    }),
  );
});

function placeAfter(board: Board, taskId: number): { status: TaskStatus; afterId: number | null } | undefined {
  const place = placeOf(board, taskId);
  return place === undefined ? undefined : { status: place.status, afterId: place.afterId };
}

test('arrows go from card to card over empty columns', () => {
  const board = boardOf([[1, 2], [], [3]]);
  assert.equal(neighbourOf(board, 2, 'right'), 3);
  assert.equal(neighbourOf(board, 3, 'left'), 1);
  assert.equal(neighbourOf(board, 1, 'down'), 2);
  assert.equal(neighbourOf(board, 3, 'right'), undefined);
});
