/** Arrivals that wait for a free user, first come first served; bounded, and made once at its full size. */
export class DueQueue {
  readonly #dueMs: Float64Array;
  readonly #numbers: Float64Array;
  #first = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#dueMs = new Float64Array(capacity);
    this.#numbers = new Float64Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** False when the queue is full. */
  push(dueMs: number, number: number): boolean {
    const capacity = this.#dueMs.length;
    if (this.#length === capacity) return false;
    const at = (this.#first + this.#length) % capacity;
    this.#dueMs[at] = dueMs;
    this.#numbers[at] = number;
    this.#length++;
    return true;
  }

  /** When the first was due; Infinity when none waits. */
  get firstDueMs(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : (this.#dueMs[this.#first] ?? Number.POSITIVE_INFINITY);
  }

  /** The number of the first. */
  get firstNumber(): number {
    return this.#numbers[this.#first] ?? 0;
  }

  shift(): void {
    if (this.#length === 0) return;
    this.#first = (this.#first + 1) % this.#dueMs.length;
    this.#length--;
  }

  /** How many have waited since before a time: they are in order, so this halves its way. */
  countDueBefore(ms: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#dueMs[(this.#first + middle) % this.#dueMs.length] ?? 0) < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
