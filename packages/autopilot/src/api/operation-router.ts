import type { OperationId } from '../contract/operations.ts';
import { operations } from '../contract/operations.ts';

/** The operations at an address, by method, and what its path says. */
export interface Found {
  readonly byMethod: ReadonlyMap<string, OperationId>;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly segments: readonly string[];
  readonly byMethod: Map<string, OperationId>;
}

/** Finds operations by address. A parameter in a path fills one segment; a literal segment wins over it. */
export class OperationRouter {
  readonly #fixed = new Map<string, Map<string, OperationId>>();
  readonly #patterns: Pattern[] = [];

  constructor() {
    // The keys of the table are the operation ids, which Object.keys can't say.
    for (const id of Object.keys(operations) as OperationId[]) {
      const { method, path } = operations[id];
      this.#at(path).set(method, id);
    }
  }

  /** Addresses without parameters, to guess what was meant. */
  get paths(): Iterable<string> {
    return this.#fixed.keys();
  }

  find(pathname: string): Found | null {
    const fixed = this.#fixed.get(pathname);
    if (fixed !== undefined) return { byMethod: fixed, params: {} };
    const segments = pathname.split('/');
    for (const { segments: pattern, byMethod } of this.#patterns) {
      const params = matched(pattern, segments);
      if (params !== null) return { byMethod, params };
    }
    return null;
  }

  #at(path: string): Map<string, OperationId> {
    if (!path.includes('{')) {
      const found = this.#fixed.get(path) ?? new Map<string, OperationId>();
      this.#fixed.set(path, found);
      return found;
    }
    const segments = path.split('/');
    const known = this.#patterns.find((one) => one.segments.join('/') === path);
    if (known !== undefined) return known.byMethod;
    const byMethod = new Map<string, OperationId>();
    this.#patterns.push({ segments, byMethod });
    return byMethod;
  }
}

function matched(pattern: readonly string[], segments: readonly string[]): Readonly<Record<string, string>> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (!part.startsWith('{')) {
      if (part !== segment) return null;
      continue;
    }
    try {
      params[part.slice(1, -1)] = decodeURIComponent(segment);
    } catch {
      // A percent sign that begins nothing: there is nothing at such an address.
      return null;
    }
  }
  return params;
}
