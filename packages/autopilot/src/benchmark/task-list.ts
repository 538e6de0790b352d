const words =
  'board card review deploy fix draft plan invoice customer search index report meeting budget design'.split(' ');
const states = ['open', 'in_progress', 'blocked', 'done'];

/** A list of tasks as JSON, about so many bytes long and always the same: what answers of services look like. */
export function taskList(bytes: number): string {
  // Linear congruential generator of Numerical Recipes: a fixed seed, so that every run codes the same.
  let state = 20_260_101;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const text = (length: number): string => Array.from({ length }, () => words[below(words.length)] ?? '').join(' ');
  const tasks: string[] = [];
  let length = 0;
  for (let id = 1; length < bytes; id++) {
    const task = JSON.stringify({
      id,
      projectId: below(50),
      title: text(3 + below(5)),
      description: text(5 + below(20)),
      state: states[below(states.length)],
      assignee: { id: below(200), name: `Member ${below(200)}` },
      dueAt: new Date(1_767_225_600_000 + below(365) * 86_400_000).toISOString(),
      estimateHours: below(40) / 2,
      labels: [text(1), text(1)],
    });
    tasks.push(task);
    length += task.length + 1;
  }
  return `{"tasks":[${tasks.join(',')}]}`;
}
