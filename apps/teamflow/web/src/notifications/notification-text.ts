import type { Notification } from '../api/wire.ts';
import { dayText } from '../format/time.ts';
import { countText } from '../format/words.ts';

function counted(detail: Notification['detail'], name: string, noun: string, plural: string): readonly string[] {
  const count = detail[name];
  return typeof count === 'number' && count > 0 ? [`${countText(count)} ${count === 1 ? noun : plural}`] : [];
}

/** What a notification tells, as a sentence. */
export function notificationText({ kind, detail }: Pick<Notification, 'kind' | 'detail'>, today?: string): string {
  switch (kind) {
    case 'due': {
      const day = typeof detail['dueOn'] === 'string' ? dayText(detail['dueOn'], today) : 'soon';
      return `“${String(detail['title'])}” is due ${day.toLowerCase()}.`;
    }
    case 'digest': {
      const day = typeof detail['day'] === 'string' ? dayText(detail['day'], today) : 'Yesterday';
      const parts = [
        ...counted(detail, 'activity', 'thing done by others', 'things done by others'),
        ...counted(detail, 'due', 'task of yours due within a week', 'tasks of yours due within a week'),
        ...counted(detail, 'overdue', 'overdue', 'overdue'),
      ];
      return `${day}: ${parts.join(', ')}.`;
    }
    case 'export': {
      const [tasks = 'no tasks'] = counted(detail, 'rowCount', 'task', 'tasks');
      return `Your CSV file is made, with ${tasks}${detail['isCut'] === true ? '; the project has more' : ''}.`;
    }
  }
}
