import { statfs } from 'node:fs/promises';
import type { ObservedDatabase } from './observed-database.ts';

/** The disk that holds a server's data. */
export interface DiskRoom {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Of a server on this machine; null: the role may not know where its data are, or they can't be seen from here. */
export async function readDiskRoom(database: ObservedDatabase): Promise<DiskRoom | null> {
  try {
    const [row] = await database.read<{ directory: string }>(
      `SELECT setting AS directory FROM pg_settings WHERE name = 'data_directory'`,
    );
    if (row === undefined) return null;
    const { bavail, blocks, bsize } = await statfs(row.directory);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
}
