import type { KeyboardEvent, ReactElement } from 'react';
import { Link } from 'wouter';
import type { BoardColumn } from '../api/wire.ts';
import { countText, statusNames } from '../format/words.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { showOverlay } from '../shell/overlay.ts';
import { PlusIcon } from '../ui/icons.tsx';
import { StatusMark } from '../ui/task-marks.tsx';
import { BoardCard } from './card.tsx';

interface ColumnProps {
  readonly column: BoardColumn;
  readonly projectId: number;
  /** Where a card that is dragged would come to stand: behind this one, null first, undefined not here. */
  readonly dropAfterId: number | null | undefined;
  readonly draggedId: number | null;
  readonly liftedId: number | null;
  readonly helpId: string;
  readonly onCardKey: (event: KeyboardEvent, taskId: number) => void;
}

/** The tasks of one status. */
export function Column(props: ColumnProps): ReactElement {
  const { column, projectId, dropAfterId, draggedId, liftedId, helpId, onCardKey } = props;
  const { status, count, tasks } = column;
  const { slug } = useOrganization();
  const name = statusNames[status];
  const rest = count - tasks.length;
  return (
    <div className="board-column" data-status={status}>
      <div className="board-column-head">
        <StatusMark status={status} isNamed={false} />
        <h2>{name}</h2>
        <span className="numbers">{countText(count)}</span>
        <button
          type="button"
          className="quiet-button"
          aria-label={`New task in ${name}`}
          onClick={() => showOverlay({ kind: 'new-task', projectId, status })}
        >
          <PlusIcon />
        </button>
      </div>
      <ul aria-label={name} className={dropAfterId === undefined ? '' : 'is-target'}>
        {dropAfterId === null && <li className="drop-line" aria-hidden="true" />}
        {tasks.map((task) => (
          <BoardCard
            key={task.id}
            task={task}
            isDragged={task.id === draggedId}
            isLifted={task.id === liftedId}
            isDropAfter={task.id === dropAfterId}
            helpId={helpId}
            onKey={onCardKey}
          />
        ))}
      </ul>
      {rest > 0 && (
        <Link className="board-rest" href={organizationAddress(slug, `/projects/${projectId}?status=${status}`)}>
          {countText(rest)} more in the list
        </Link>
      )}
      {count === 0 && dropAfterId === undefined && <p className="board-none">No tasks</p>}
    </div>
  );
}
