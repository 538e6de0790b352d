/**
 * The name that was probably meant: the one with the fewest letters to change, add or drop (Levenshtein, 1966), if that
 * is at most a third of it; null when none is near.
 */
export function nearestName(written: string, names: Iterable<string>): string | null {
  // Nobody misspells a hundred letters; and the distance costs the product of both lengths.
  if (written.length > 100) return null;
  let nearest: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    if (name.length > 100) continue;
    const changes = distance(written.toLowerCase(), name.toLowerCase());
    if (changes < least && changes <= Math.ceil(name.length / 3)) {
      nearest = name;
      least = changes;
    }
  }
  return nearest;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
