/**
 * Preloaded by npm's scripts (`node --import`): what Node makes of a source, its types taken off and compiled, is kept
 * for the next process that runs it. TeamFlow and its control plane start in half the time, and tests start hundreds of
 * processes. `npm ci` empties it; NODE_COMPILE_CACHE names another place, NODE_DISABLE_COMPILE_CACHE=1 ends it.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const directory = (process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/compile'));
// Where it can't be written nothing is kept, and all goes on as without.
enableCompileCache(directory);
