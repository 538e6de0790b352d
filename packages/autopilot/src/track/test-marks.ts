import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { LOAD_MARK_HEADER } from '../contract/load-tests.ts';

/** Load tests that run against one service at once are few. */
const MAX_MARKS = 64;
/** As they are made: 32 bytes in base64url. What is longer is none, and is not looked at. */
const MARK_LENGTH = 43;

/**
 * Tells requests of load tests that are kept apart. The control plane says which marks are good, each a secret of one test as
 * long as it runs, and says digests only; whoever sends another mark is measured like everybody else, so that nobody hides what he
 * does by a header. While no such test runs a request costs one comparison of a number.
 */
export class TestMarks {
  #digests: ReadonlySet<string> = new Set();

  /** Whether any test is kept apart just now. */
  get any(): boolean {
    return this.#digests.size > 0;
  }

  /** Those that are good from now on: SHA-256 in base64url. What comes over a link may be anything. */
  learn(digests: readonly unknown[]): void {
    const texts = digests.filter((one) => typeof one === 'string' && one.length === MARK_LENGTH);
    this.#digests = new Set(texts.slice(0, MAX_MARKS) as string[]); // as filtered
  }

  /** Whether a request belongs to such a test. Digests are looked up, so that time tells nothing about a mark. */
  covers(headers: IncomingHttpHeaders): boolean {
    const mark = headers[LOAD_MARK_HEADER];
    return (
      typeof mark === 'string' && mark.length === MARK_LENGTH && this.#digests.has(hash('sha256', mark, 'base64url'))
    );
  }
}
