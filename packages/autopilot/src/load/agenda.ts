/** Who goes on when: a binary heap by time. */
export class Agenda<Item> {
  #times: number[] = [];
  #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The next time; Infinity when nothing is planned. */
  get nextMs(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, item: Item): void {
    let at = this.#items.length;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const time = this.#times[parent] ?? 0;
      const moved = this.#items[parent];
      if (time <= atMs || moved === undefined) break;
      this.#times[at] = time;
      this.#items[at] = moved;
      at = parent;
    }
    this.#times[at] = atMs;
    this.#items[at] = item;
  }

  /** Takes the first out; undefined when nothing is planned. */
  take(): Item | undefined {
    const first = this.#items[0];
    const lastItem = this.#items.pop();
    const lastTime = this.#times.pop();
    const { length } = this.#items;
    if (lastItem === undefined || lastTime === undefined || length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && (this.#times[child + 1] ?? 0) < (this.#times[child] ?? 0)) child++;
      const time = this.#times[child] ?? 0;
      const moved = this.#items[child];
      if (time >= lastTime || moved === undefined) break;
      this.#times[at] = time;
      this.#items[at] = moved;
      at = child;
    }
    this.#times[at] = lastTime;
    this.#items[at] = lastItem;
    return first;
  }

  /** Takes everything out, in no order. */
  clear(): readonly Item[] {
    const items = this.#items;
    this.#items = [];
    this.#times = [];
    return items;
  }
}
