/** Its members are what JSON holds. */
interface Task extends Readonly<Record<string, unknown>> {
  readonly title: string;
}

/** A list of tasks as an API sends it. */
export interface TaskList {
  readonly items: readonly Task[];
}

/** The same list with every twentieth task changed, another way each time. */
export function changed({ items }: TaskList, times: number): TaskList {
  return {
    items: items.map((task, at) =>
      at % 20 === 0 ? { ...task, title: `Changed ${times * 7_919 + at}`, updatedAt: new Date(1.71e12 + times) } : task,
    ),
  };
}

/** A list of tasks of about this many bytes as JSON, the same each time. */
export function taskList(bytes: number): TaskList {
  let seed = 7;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return seed / 0x7fff_ffff;
  };
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  const words =
    'report invoice customer deploy review update migrate database backlog sprint login page error fix design test plan meeting budget quarter release notes follow team query index cache'.split(
      ' ',
    );
  const id = (): string =>
    'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replaceAll('x', () => Math.floor(random() * 16).toString(16));
  const people = Array.from({ length: 12 }, id);
  const time = (): string => new Date(1.7e12 + random() * 1e10).toISOString();
  const items: Task[] = [];
  let length = 0;
  while (length < bytes) {
    const task = {
      id: id(),
      title: Array.from({ length: 3 + random() * 6 }, () => pick(words)).join(' '),
      status: pick(['open', 'done', 'blocked', 'in_progress']),
      assigneeId: pick(people),
      priority: Math.floor(random() * 5),
      createdAt: time(),
      updatedAt: time(),
    };
    length += JSON.stringify(task).length + 1;
    items.push(task);
  }
  return { items };
}
