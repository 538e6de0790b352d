import type { ReactElement, SVGProps } from 'react';
import type { TaskPriority, TaskStatus } from '../api/wire.ts';
import { priorityNames, statusNames } from '../format/words.ts';
import './task-marks.css';

interface MarkProps {
  /** False where its name stands beside it. */
  readonly isNamed?: boolean;
}

function named(isNamed: boolean, name: string): SVGProps<SVGSVGElement> {
  return isNamed ? { role: 'img', 'aria-label': name } : { 'aria-hidden': true };
}

/** How far a task is, as a circle that fills. */
export function StatusMark({ status, isNamed = true }: { readonly status: TaskStatus } & MarkProps): ReactElement {
  return (
    <svg className={`mark status-${status}`} viewBox="0 0 16 16" {...named(isNamed, statusNames[status])}>
      {status === 'backlog' && <circle cx="8" cy="8" r="6" strokeDasharray="2 1.9" />}
      {status === 'todo' && <circle cx="8" cy="8" r="6" />}
      {status === 'in_progress' && (
        <>
          <circle cx="8" cy="8" r="6" />
          <path className="full" d="M8 4.5a3.5 3.5 0 0 1 0 7Z" />
        </>
      )}
      {status === 'in_review' && (
        <>
          <circle cx="8" cy="8" r="6" />
          <path className="full" d="M8 4.5A3.5 3.5 0 1 1 4.5 8H8Z" />
        </>
      )}
      {status === 'done' && (
        <>
          <circle className="full" cx="8" cy="8" r="6.7" />
          <path className="inside" d="m5.3 8.2 1.9 1.9 3.6-4" />
        </>
      )}
      {status === 'cancelled' && (
        <>
          <circle className="full" cx="8" cy="8" r="6.7" />
          <path className="inside" d="m5.7 5.7 4.6 4.6M10.3 5.7l-4.6 4.6" />
        </>
      )}
    </svg>
  );
}

const bars: Readonly<Record<TaskPriority, number>> = { none: 0, low: 1, medium: 2, high: 3, urgent: 4 };

/** How urgent a task is: bars that rise; the most urgent as a mark of its own. */
export function PriorityMark({
  priority,
  isNamed = true,
}: { readonly priority: TaskPriority } & MarkProps): ReactElement {
  return (
    <svg className={`mark priority-${priority}`} viewBox="0 0 16 16" {...named(isNamed, priorityNames[priority])}>
      {priority === 'urgent' ? (
        <>
          <rect className="full" x="1.5" y="1.5" width="13" height="13" rx="3" />
          <path className="inside" d="M8 4.5v4M8 11.3v.1" />
        </>
      ) : (
        [1, 2, 3].map((bar) => (
          <rect
            key={bar}
            className={bar <= bars[priority] ? 'full' : 'faint'}
            x={2 + (bar - 1) * 4.5}
            y={11 - bar * 3}
            width="3"
            height={bar * 3 + 2}
            rx="1"
          />
        ))
      )}
    </svg>
  );
}
