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
  readonly pressed: (event: KeyboardEvent, taskId: number) => void;
}

interface Lifted {
  readonly taskId: number;
  readonly place: Place;
  /** Put down: on its way to the service. */
  readonly isDropped: boolean;
}

function spokenPlace(board: Board, taskId: number): string {
  const column = board.columns.find(({ tasks }) => tasks.some(({ id }) => id === taskId));
  if (column === undefined) return '';
  const index = column.tasks.findIndex(({ id }) => id === taskId);
  return `${statusNames[column.status]}, ${index + 1} of ${column.tasks.length}`;
}

/** Space picks a card up and puts it down, arrows move it, Escape takes it back; without a card arrows move the focus. */
export function useKeyboardMoves(
  board: Board,
  section: RefObject<HTMLElement | null>,
  put: (taskId: number, place: Place) => Promise<void>,
): KeyboardMoves {
  const [lifted, setLifted] = useState<Lifted | null>(null);
  const lastId = useRef<number | null>(null);
  const [said, say] = useState('');
  const shown = lifted === null ? board : moveCard(board, lifted.taskId, lifted.place);
  const focus = (taskId: number): void => {
    section.current?.querySelector<HTMLElement>(`[data-task-id="${taskId}"] a`)?.focus();
  };
  // A card that changes its column is drawn anew, and the focus must follow it.
  useEffect(() => {
    const id = lifted?.taskId ?? lastId.current;
    lastId.current = lifted?.taskId ?? null;
    if (id === null || (lifted === null && document.activeElement !== document.body)) return;
    const card = section.current?.querySelector<HTMLElement>(`[data-task-id="${id}"]`);
    card?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    card?.querySelector('a')?.focus();
  }, [lifted, section]);

  const moveLifted = (event: KeyboardEvent, taskId: number, place: Place): void => {
    const direction = directions[event.key];
    const title = cardOf(board, taskId)?.title ?? 'The card';
    if (event.key === ' ' || event.key === 'Enter') {
      const dropped: Lifted = { taskId, place, isDropped: true };
      setLifted(dropped);
      say(`${title} put down: ${spokenPlace(shown, taskId)}.`);
      // Shown where it was put until the board itself has it there, or has put it back.
      void put(taskId, place).finally(() => setLifted((now) => (now === dropped ? null : now)));
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      setLifted(null);
      say(`${title} is back where it was.`);
    } else if (direction === undefined) return;
    else {
      const next = stepFrom(shown, taskId, direction);
      if (next !== undefined) {
        setLifted({ taskId, place: next, isDropped: false });
        say(spokenPlace(moveCard(shown, taskId, next), taskId));
      }
    }
    event.preventDefault();
  };

  const pressed = (event: KeyboardEvent, taskId: number): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (lifted !== null && !lifted.isDropped) {
      moveLifted(event, lifted.taskId, lifted.place);
      return;
    }
    const direction = directions[event.key];
    if (event.key === ' ') {
      const place = placeOf(shown, taskId);
      if (place !== undefined) setLifted({ taskId, place, isDropped: false });
      say(`${cardOf(board, taskId)?.title ?? 'The card'} picked up: ${spokenPlace(shown, taskId)}.`);
    } else if (direction === undefined) return;
    else {
      const next = neighbourOf(shown, taskId, direction);
      if (next !== undefined) focus(next);
    }
    event.preventDefault();
  };
  return { shown, liftedId: lifted === null || lifted.isDropped ? null : lifted.taskId, said, pressed };
}
