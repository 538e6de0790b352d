import {
  DndContext,
  type DragEndEvent,
  DragOverlay,
  MouseSensor,
  pointerWithin,
  TouchSensor,
  useSensor,
  useSensors,
} from '@dnd-kit/core';
import { type ReactElement, useId, useRef, useState } from 'react';
import type { Board } from '../api/wire.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { cardOf, isSamePlace, type Place, placeOf } from './board-model.ts';
import { CardFace } from './card.tsx';
import { Column } from './column.tsx';
import { useKeyboardMoves } from './keyboard-moves.ts';
import { usePointerPlace } from './pointer-place.ts';
import { useMove } from './use-board.ts';
import './board.css';

/** The board itself: cards are moved by mouse, finger or keyboard. */
export function BoardColumns({ board }: { readonly board: Board }): ReactElement {
  const organization = useOrganization();
  const move = useMove(organization.id, board.projectId);
  const [draggedId, setDragged] = useState<number | null>(null);
  const pointer = usePointerPlace(draggedId);
  const section = useRef<HTMLElement>(null);
  const helpId = useId();
  // A press alone opens the task; a finger must rest first, so that it can scroll.
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 5 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 220, tolerance: 8 } }),
  );
  const put = async (taskId: number, place: Place): Promise<void> => {
    const now = placeOf(board, taskId);
    if (now === undefined || isSamePlace(now, place)) return;
    // Its failure is told, and the card put back, by the move itself.
    await move.mutateAsync({ taskId, place }).catch(() => {});
  };
  const keyboard = useKeyboardMoves(board, section, put);
  const dropped = ({ active }: DragEndEvent): void => {
    setDragged(null);
    if (pointer.place !== null) void put(Number(active.id), pointer.place);
  };
  const dragged = draggedId === null ? undefined : cardOf(board, draggedId);

  return (
    <DndContext
      sensors={sensors}
      collisionDetection={pointerWithin}
      // The keyboard has its own way, and says what it does.
      accessibility={{ announcements: silent, screenReaderInstructions: { draggable: '' } }}
      onDragStart={({ active }) => setDragged(Number(active.id))}
      onDragEnd={dropped}
      onDragCancel={() => setDragged(null)}
    >
      <p id={helpId} className="visually-hidden">
        Space picks the card up, arrow keys move it, Space puts it down, Escape takes it back. Enter opens the task.
      </p>
      {/* Scrolled by keyboard too: it has the focus where no card has it. */}
      <section className="board" aria-label="Board" ref={section}>
        {keyboard.shown.columns.map((column) => (
          <Column
            key={column.status}
            column={column}
            projectId={board.projectId}
            dropAfterId={pointer.place?.status === column.status ? pointer.place.afterId : undefined}
            draggedId={draggedId}
            liftedId={keyboard.liftedId}
            helpId={helpId}
            onCardKey={keyboard.pressed}
          />
        ))}
      </section>
      <p className="visually-hidden" role="status" aria-live="assertive">
        {keyboard.said}
      </p>
      <DragOverlay dropAnimation={null}>
        {dragged !== undefined && (
          <div className="board-card flying">
            <CardFace task={dragged} />
          </div>
        )}
      </DragOverlay>
    </DndContext>
  );
}

const silence = (): undefined => undefined;
const silent = { onDragStart: silence, onDragOver: silence, onDragEnd: silence, onDragCancel: silence };
