// The part that is used of packages that have no types of their own.
declare module 'compression' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export default function compression(): (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
}

declare module 'express' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
  interface JsonResponse extends ServerResponse {
    json(body: unknown): void;
  }
  interface Application {
    (request: IncomingMessage, response: ServerResponse): void;
    use(middleware: Middleware): void;
    get(path: string | RegExp, handler: (request: IncomingMessage, response: JsonResponse) => void): void;
  }
  export default function express(): Application;
}

declare module 'koa' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface Context {
    readonly path: string;
    readonly request: { get(name: string): string };
    status: number;
    body: unknown;
    set(headers: Readonly<Record<string, string>>): void;
  }
  export default class Koa {
    silent: boolean;
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void> | void): void;
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
  }
}

declare module 'koa-compress' {
  import type { Context } from 'koa';

  export default function compress(): (context: Context, next: () => Promise<void>) => Promise<void>;
}
