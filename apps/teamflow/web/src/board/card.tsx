import { useDraggable } from '@dnd-kit/core';
import type { KeyboardEvent, ReactElement } from 'react';
import { Link } from 'wouter';
import type { TaskSummary } from '../api/wire.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { DueDay } from '../tasks/due-day.tsx';
import { Avatar } from '../ui/avatar.tsx';
import { PriorityMark } from '../ui/task-marks.tsx';

interface BoardCardProps {
  readonly task: TaskSummary;
  readonly isDragged: boolean;
  readonly isLifted: boolean;
  /** A line below it shows where a dragged card would come to stand. */
  readonly isDropAfter: boolean;
  readonly helpId: string;
  readonly onKey: (event: KeyboardEvent, taskId: number) => void;
}

/** A task on the board: pressed it opens, dragged it moves. */
export function BoardCard(props: BoardCardProps): ReactElement {
  const { task, isDragged, isLifted, isDropAfter, helpId, onKey } = props;
  const { slug } = useOrganization();
  const { setNodeRef, listeners } = useDraggable({ id: task.id });
  const state = `${isDragged ? ' dragged' : ''}${isLifted ? ' lifted' : ''}`;
  return (
    <>
      <li ref={setNodeRef} className={`board-card${state}`} data-task-id={task.id} {...listeners}>
        <Link
          href={organizationAddress(slug, `/tasks/${task.id}`)}
          className="board-card-title"
          aria-describedby={helpId}
          draggable={false}
          onKeyDown={(event) => onKey(event, task.id)}
        >
          {task.title}
        </Link>
        <CardFoot task={task} />
      </li>
      {isDropAfter && <li className="drop-line" aria-hidden="true" />}
    </>
  );
}

/** A card as it hangs on the pointer. */
export function CardFace({ task }: { readonly task: TaskSummary }): ReactElement {
  return (
    <>
      <span className="board-card-title">{task.title}</span>
      <CardFoot task={task} />
    </>
  );
}

function CardFoot({ task }: { readonly task: TaskSummary }): ReactElement {
  return (
    <span className="board-card-foot">
      <PriorityMark priority={task.priority} />
      {task.labels.slice(0, 2).map((label) => (
        <span key={label} className="chip">
          {label}
        </span>
      ))}
      {task.labels.length > 2 && <span className="chip">+{task.labels.length - 2}</span>}
      <span className="board-card-end">
        <DueDay task={task} />
        {task.assigneeName !== null && (
          <span title={task.assigneeName}>
            <Avatar name={task.assigneeName} />
            <span className="visually-hidden">{task.assigneeName}</span>
          </span>
        )}
      </span>
    </span>
  );
}
