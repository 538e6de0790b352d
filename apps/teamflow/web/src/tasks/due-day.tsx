import type { ReactElement } from 'react';
import type { TaskSummary } from '../api/wire.ts';
import { dayText, today } from '../format/time.ts';
import './due-day.css';

/** The day a task is due, loud when it has passed and the task is still open. */
export function DueDay({ task }: { readonly task: TaskSummary }): ReactElement | null {
  if (task.dueOn === null) return null;
  const isLate = task.dueOn < today() && task.status !== 'done' && task.status !== 'cancelled';
  return (
    <span className={`due-day numbers${isLate ? ' late' : ''}`} title={`Due on ${task.dueOn}`}>
      {isLate && <span className="visually-hidden">Overdue: </span>}
      {dayText(task.dueOn)}
    </span>
  );
}
