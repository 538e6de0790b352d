import { useEffect, useState } from 'react';
import { taskStatuses } from '../api/wire.ts';
import { isSamePlace, type Place } from './board-model.ts';

/** The place under a point of the window: before the first card whose middle is below it. Null: no column is there. */
function placeAt(x: number, y: number, draggedId: number): Place | null {
  const columns = [...document.querySelectorAll<HTMLElement>('.board-column')];
  const column = columns.find((one) => {
    const { left, right } = one.getBoundingClientRect();
    return left <= x && x < right;
  });
  const status = taskStatuses.find((one) => one === column?.dataset['status']);
  if (column === undefined || status === undefined) return null;
  let afterId: number | null = null;
  for (const card of column.querySelectorAll<HTMLElement>('[data-task-id]')) {
    const { top, height } = card.getBoundingClientRect();
    if (top + height / 2 > y) break;
    const id = Number(card.dataset['taskId']);
    if (id !== draggedId) afterId = id;
  }
  return { status, afterId };
}

/** Where the card that is being dragged would come to stand if it were let go now. */
export function usePointerPlace(draggedId: number | null): { readonly place: Place | null } {
  const [place, setPlace] = useState<Place | null>(null);
  useEffect(() => {
    if (draggedId === null) return undefined;
    const at = (x: number, y: number): void => {
      const next = placeAt(x, y, draggedId);
      setPlace((now) => (now !== null && next !== null && isSamePlace(now, next) ? now : next));
    };
    const mouse = (event: MouseEvent): void => at(event.clientX, event.clientY);
    const touch = ({ touches: [finger] }: TouchEvent): void => {
      if (finger !== undefined) at(finger.clientX, finger.clientY);
    };
    addEventListener('mousemove', mouse);
    addEventListener('touchmove', touch);
    return () => {
      removeEventListener('mousemove', mouse);
      removeEventListener('touchmove', touch);
      setPlace(null);
    };
  }, [draggedId]);
  return { place };
}
