/** What TeamFlow's API answers, as its OpenAPI document has it. Times are RFC 3339 in UTC, days are `2026-01-31`. */

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** `admin` runs the installation. */
  readonly role: 'admin' | 'user';
}

export type MemberRole = 'owner' | 'admin' | 'member';

export interface Organization {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  /** The reader's own. */
  readonly role: MemberRole;
}

export interface Page {
  readonly limit: number;
  readonly next: string | null;
  readonly previous: string | null;
  /** Why there are fewer than asked for. */
  readonly cut?: 'bytes' | 'time';
  /** How many there are on all pages; where it was asked for. */
  readonly count?: { readonly value: number; readonly exact: boolean };
}

export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly page: Page;
}

export interface Project {
  readonly id: number;
  readonly teamId: number | null;
  readonly name: string;
  readonly description: string;
  readonly archivedAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const taskStatuses = ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'cancelled'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export const taskPriorities = ['urgent', 'high', 'medium', 'low', 'none'] as const;
export type TaskPriority = (typeof taskPriorities)[number];

export interface TaskSummary {
  readonly id: number;
  readonly projectId: number;
  readonly title: string;
  readonly status: TaskStatus;
  readonly priority: TaskPriority;
  readonly assigneeId: string | null;
  readonly assigneeName: string | null;
  readonly dueOn: string | null;
  readonly labels: readonly string[];
  readonly position: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Task extends TaskSummary {
  readonly description: string;
  readonly createdById: string | null;
  readonly createdByName: string | null;
  readonly completedAt: string | null;
  readonly commentCount: number;
}

export interface SearchHit extends TaskSummary {
  readonly rank: number;
  readonly excerpt: string;
}

export interface Summary {
  readonly total: number;
  readonly open: number;
  readonly overdue: number;
  readonly byStatus: readonly { readonly status: TaskStatus; readonly count: number }[];
  readonly busiestProjects: readonly { readonly projectId: number; readonly name: string; readonly open: number }[];
  readonly createdLast7Days: number;
  readonly completedLast7Days: number;
}

export interface Member {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly role: MemberRole;
  readonly createdAt: string;
}

export interface Activity {
  readonly id: number;
  readonly kind: string;
  readonly actorName: string | null;
  readonly projectId: number | null;
  /** null: it is gone. */
  readonly projectName: string | null;
  readonly taskId: number | null;
  /** null: it is gone. */
  readonly taskTitle: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
}

export interface Notification {
  readonly id: number;
  readonly kind: 'digest' | 'due' | 'export';
  readonly projectId: number | null;
  readonly taskId: number | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly readAt: string | null;
}

/** A project's tasks as CSV, made in the background. */
export interface ProjectExport {
  readonly id: string;
  readonly status: 'queued' | 'running' | 'done' | 'failed';
  readonly isCut: boolean;
}

export interface Comment {
  readonly id: number;
  readonly authorId: string | null;
  readonly authorName: string | null;
  readonly body: string;
  readonly createdAt: string;
  readonly editedAt: string | null;
}

export interface Board {
  readonly projectId: number;
  readonly columns: readonly BoardColumn[];
}

export interface BoardColumn {
  readonly status: TaskStatus;
  /** All of its tasks, also those not among `tasks`. */
  readonly count: number;
  readonly tasks: readonly TaskSummary[];
}
