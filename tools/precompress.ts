/** Compresses the files of a folder that was just built: `node -C source tools/precompress.ts folder`. */
import { precompress } from '../packages/autopilot/src/compress/precompress.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Which folder? node -C source tools/precompress.ts folder');
await precompress(folder);
