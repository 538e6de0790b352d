/** A list of tasks of about this many bytes as JSON, the same each time. */
export function taskList(bytes: number): unknown {
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
  const items: unknown[] = [];
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
