import type { MemberRole, TaskPriority, TaskStatus } from '../api/wire.ts';

export const statusNames: Readonly<Record<TaskStatus, string>> = {
  backlog: 'Backlog',
  todo: 'To do',
  in_progress: 'In progress',
  in_review: 'In review',
  done: 'Done',
  cancelled: 'Cancelled',
};

export const priorityNames: Readonly<Record<TaskPriority, string>> = {
  urgent: 'Urgent',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  none: 'No priority',
};

export const roleNames: Readonly<Record<MemberRole, string>> = { owner: 'Owner', admin: 'Admin', member: 'Member' };

const wholeNumber = new Intl.NumberFormat('en-GB');

/** A count with its digits in groups. */
export function countText(count: number): string {
  return wholeNumber.format(count);
}
