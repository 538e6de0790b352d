import type { Board, BoardColumn, TaskStatus, TaskSummary } from '../api/wire.ts';

/** Where a card is, or is to go: behind another card of a column, or first in it. */
export interface Place {
  readonly status: TaskStatus;
  /** Null: first. */
  readonly afterId: number | null;
}

export function cardOf(board: Board, taskId: number): TaskSummary | undefined {
  return board.columns.flatMap(({ tasks }) => tasks).find(({ id }) => id === taskId);
}

/** Where a card is; undefined: it is not among those shown. */
export function placeOf(board: Board, taskId: number): Place | undefined {
  for (const { status, tasks } of board.columns) {
    const index = tasks.findIndex(({ id }) => id === taskId);
    if (index !== -1) return { status, afterId: tasks[index - 1]?.id ?? null };
  }
  return undefined;
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.status === other.status && one.afterId === other.afterId;
}

function without(column: BoardColumn, taskId: number): BoardColumn {
  const tasks = column.tasks.filter(({ id }) => id !== taskId);
  return tasks.length === column.tasks.length ? column : { ...column, tasks, count: column.count - 1 };
}

/**
 * The board with a card in another place. A card that is not shown, or a neighbour that is not there, leaves the board
 * as it is.
 */
export function moveCard(board: Board, taskId: number, { status, afterId }: Place): Board {
  const card = cardOf(board, taskId);
  const target = board.columns.find((column) => column.status === status);
  const isThere = afterId === null || (afterId !== taskId && target?.tasks.some(({ id }) => id === afterId));
  if (card === undefined || target === undefined || isThere !== true) return board;
  const columns = board.columns.map((column) => {
    const rest = without(column, taskId);
    if (column.status !== status) return rest;
    const index = afterId === null ? 0 : rest.tasks.findIndex(({ id }) => id === afterId) + 1;
    return { ...rest, count: rest.count + 1, tasks: rest.tasks.toSpliced(index, 0, { ...card, status }) };
  });
  return { ...board, columns };
}

export type Direction = 'up' | 'down' | 'left' | 'right';

/** The place one step from where a card is; undefined: the board ends there. */
export function stepFrom(board: Board, taskId: number, direction: Direction): Place | undefined {
  const at = board.columns.findIndex(({ tasks }) => tasks.some(({ id }) => id === taskId));
  const column = board.columns[at];
  if (column === undefined) return undefined;
  const index = column.tasks.findIndex(({ id }) => id === taskId);
  if (direction === 'up') {
    return index === 0 ? undefined : { status: column.status, afterId: column.tasks[index - 2]?.id ?? null };
  }
  if (direction === 'down') {
    const next = column.tasks[index + 1];
    return next === undefined ? undefined : { status: column.status, afterId: next.id };
  }
  const beside = board.columns[at + (direction === 'left' ? -1 : 1)];
  if (beside === undefined) return undefined;
  // At the same height, or last in a shorter column.
  return { status: beside.status, afterId: beside.tasks[Math.min(index, beside.tasks.length) - 1]?.id ?? null };
}

/** The card one step from another; undefined: there is none in that direction. */
export function neighbourOf(board: Board, taskId: number, direction: Direction): number | undefined {
  const at = board.columns.findIndex(({ tasks }) => tasks.some(({ id }) => id === taskId));
  const column = board.columns[at];
  if (column === undefined) return undefined;
  const index = column.tasks.findIndex(({ id }) => id === taskId);
  if (direction === 'up' || direction === 'down') return column.tasks[index + (direction === 'up' ? -1 : 1)]?.id;
  const ahead = direction === 'left' ? board.columns.slice(0, at).reverse() : board.columns.slice(at + 1);
  const beside = ahead.find(({ tasks }) => tasks.length > 0);
  return beside?.tasks[Math.min(index, beside.tasks.length - 1)]?.id;
}
