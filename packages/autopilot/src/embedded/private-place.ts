import { chmodSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { messageOf } from '../kernel/errors.ts';

/**
 * Directories outside the checkout, best first: where the system keeps such things, then where everybody may write.
 * `state` must survive a reboot, `cache` can be made again (XDG Base Directory, Filesystem Hierarchy Standard 5.5, 5.8).
 */
export function outsidePlaces(purpose: 'cache' | 'state'): readonly string[] {
  const uid = process.geteuid?.() ?? 0;
  const configured = process.env[purpose === 'cache' ? 'XDG_CACHE_HOME' : 'XDG_STATE_HOME'] ?? '';
  const system = purpose === 'cache' ? '/var/cache' : '/var/lib';
  // Root's home is closed to the uid the server may run under.
  const usual = uid === 0 ? system : join(homedir(), purpose === 'cache' ? '.cache' : '.local/state');
  return [
    join(isAbsolute(configured) ? configured : usual, 'teamflow-autopilot'),
    `/var/tmp/teamflow-autopilot-${uid}`,
    ...(purpose === 'cache' ? [join(tmpdir(), `teamflow-autopilot-${uid}`)] : []),
  ];
}

/**
 * Makes a directory that others may enter and only we may write; answers why it can't, or null. In a directory where everybody may
 * write, somebody else may have made it before us: then it is not used.
 */
export function makePrivatePlace(path: string): string | null {
  try {
    makeDirectories(path);
    const stats = lstatSync(path);
    if (!stats.isDirectory()) return `${path} is not a directory`;
    if (stats.uid !== process.geteuid?.()) return `${path} belongs to uid ${stats.uid}`;
    if ((stats.mode & 0o022) !== 0) return `others may write to ${path}`;
    chmodSync(path, 0o755); // Whatever the umask is.
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** Makes a directory and the parents it lacks; answers those it made, outermost first. */
export function makeDirectories(path: string): readonly string[] {
  // Not mkdir's own `recursive`: Node loops for ever where a file system says ENOENT to a new directory, as /proc does.
  if (existsSync(path)) return [];
  const parents = makeDirectories(dirname(path));
  try {
    mkdirSync(path);
    return [...parents, path];
  } catch (error) {
    if (existsSync(path)) return parents; // Another process was faster.
    throw error;
  }
}
