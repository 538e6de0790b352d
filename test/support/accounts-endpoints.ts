import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** A call of /api/auth, as better-auth declares it. */
export interface AccountsEndpoint {
  readonly method: 'GET' | 'POST';
  /** Below /api/auth. */
  readonly path: string;
  /** Names of what it takes, in the query of a GET and in the body of a POST. */
  readonly fields: readonly string[];
}

/** As much of one as is read here. */
interface Declared {
  /** Absent: it can't be called over HTTP. */
  readonly path?: string;
  readonly options: { readonly method: 'GET' | 'POST'; readonly body?: Fields; readonly query?: Fields };
}

/** zod's objects, optional ones included. */
interface Fields {
  readonly shape?: object;
  readonly def?: { readonly innerType?: Fields };
}

type Plugins = Readonly<Record<string, () => { readonly endpoints: Readonly<Record<string, Declared>> }>>;

/** Every call of the plugins that TeamFlow uses. The package is the application's, not that of the tests. */
export async function accountsEndpoints(): Promise<readonly AccountsEndpoint[]> {
  const { resolve } = createRequire(new URL('../../apps/teamflow/package.json', import.meta.url));
  const load = async (name: string): Promise<Plugins> => (await import(pathToFileURL(resolve(name)).href)) as Plugins; // as above
  const [plugins, keys] = await Promise.all([load('better-auth/plugins'), load('@better-auth/api-key')]);
  return [plugins['admin'], plugins['organization'], keys['apiKey']]
    .flatMap((make) => Object.values(make?.().endpoints ?? {}))
    .flatMap(({ path, options: { method, body, query } }) =>
      path === undefined ? [] : [{ method, path, fields: fieldsOf(method === 'GET' ? query : body) }],
    );
}

function fieldsOf(declared: Fields | undefined): readonly string[] {
  return Object.keys(declared?.shape ?? declared?.def?.innerType?.shape ?? {});
}
