import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react';
import type { Board } from '../api/wire.ts';
import { statusNames } from '../format/words.ts';
import { cardOf, type Direction, moveCard, neighbourOf, type Place, placeOf, stepFrom } from './board-model.ts';

const directions: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

export interface KeyboardMoves {
  /** The board with the card that is being moved where it would come to stand. */
  readonly shown: Board;
  readonly liftedId: number | null;
  /** For screen readers: what the last key did. */
  readonly said: string;
  readonly board: RefObject<HTMLElement | null>;
  readonly pressed: (event: KeyboardEvent, taskId: number) => void;
}

function spokenPlace(board: Board, taskId: number): string {
  const column = board.columns.find(({ tasks }) => tasks.some(({ id }) => id === taskId));
  if (column === undefined) return '';
  const index = column.tasks.findIndex(({ id }) => id === taskId);
  return `${statusNames[column.status]}, ${index + 1} of ${column.tasks.length}`;
}

/** Space picks a card up and puts it down, arrows move it, Escape takes it back; without a card arrows move the focus. */
export function useKeyboardMoves(board: Board, put: (taskId: number, place: Place) => void): KeyboardMoves {
  const [lifted, setLifted] = useState<{ readonly taskId: number; readonly place: Place } | null>(null);
  const [said, say] = useState('');
  const section = useRef<HTMLElement>(null);
  const shown = lifted === null ? board : moveCard(board, lifted.taskId, lifted.place);
  const focus = (taskId: number): void => {
    section.current?.querySelector<HTMLElement>(`[data-task-id="${taskId}"] a`)?.focus();
  };
  // A card that changes its column is drawn anew, and the focus must follow it.
  useEffect(() => {
    if (lifted === null) return;
    const card = section.current?.querySelector<HTMLElement>(`[data-task-id="${lifted.taskId}"]`);
    card?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    card?.querySelector('a')?.focus();
  }, [lifted]);

  const moveLifted = (event: KeyboardEvent, taskId: number, place: Place): void => {
    const direction = directions[event.key];
    const title = cardOf(board, taskId)?.title ?? 'The card';
    if (event.key === ' ' || event.key === 'Enter') {
      put(taskId, place);
      setLifted(null);
      say(`${title} put down: ${spokenPlace(shown, taskId)}.`);
      requestAnimationFrame(() => focus(taskId));
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      setLifted(null);
      say(`${title} is back where it was.`);
      requestAnimationFrame(() => focus(taskId));
    } else if (direction === undefined) return;
    else {
      const next = stepFrom(shown, taskId, direction);
      if (next !== undefined) {
        setLifted({ taskId, place: next });
        say(spokenPlace(moveCard(shown, taskId, next), taskId));
      }
    }
    event.preventDefault();
  };

  const pressed = (event: KeyboardEvent, taskId: number): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (lifted !== null) {
      moveLifted(event, lifted.taskId, lifted.place);
      return;
    }
    const direction = directions[event.key];
    if (event.key === ' ') {
      const place = placeOf(board, taskId);
      if (place !== undefined) setLifted({ taskId, place });
      say(`${cardOf(board, taskId)?.title ?? 'The card'} picked up: ${spokenPlace(board, taskId)}.`);
    } else if (direction === undefined) return;
    else {
      const next = neighbourOf(board, taskId, direction);
      if (next !== undefined) focus(next);
    }
    event.preventDefault();
  };
  return { shown, liftedId: lifted?.taskId ?? null, said, board: section, pressed };
}
