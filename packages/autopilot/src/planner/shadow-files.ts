import { closeSync, existsSync, fchownSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { GinShape } from './gin-size.ts';

const pageBytes = 8_192;
/** Pages of one file; what is longer goes on in `<file>.1` and so on. */
const segmentPages = 131_072;

/**
 * Gives the files of a relation the size of `pages` pages, without using disk space: what is not written is a hole. The server
 * asks the file system for the size whenever it plans. Files are made under the account that owns the first.
 */
export function sizeRelation(dataDirectory: string, relativePath: string, pages: number): void {
  const first = join(dataDirectory, relativePath);
  const { uid, gid } = statSync(first);
  for (let segment = 0; segment === 0 || segment * segmentPages < pages; segment += 1) {
    const path = segment === 0 ? first : `${first}.${segment}`;
    const fd = openSync(path, existsSync(path) ? 'r+' : 'wx+', 0o600);
    try {
      if (segment > 0 && process.geteuid?.() === 0) fchownSync(fd, uid, gid);
      ftruncateSync(fd, Math.min(segmentPages, Math.max(0, pages - segment * segmentPages)) * pageBytes);
    } finally {
      closeSync(fd);
    }
  }
}

/**
 * Makes an empty B-tree as high as `level` (0: the root is a leaf): a metapage that says so, and a chain of pages from the root to
 * an empty leaf, for the planner also descends to look for the least and the greatest value. The file must have its size already.
 * Layout: src/include/access/nbtree.h, storage/bufpage.h and access/itup.h of PostgreSQL 18.
 */
export function heightenBtree(dataDirectory: string, relativePath: string, level: number): void {
  const fd = openSync(join(dataDirectory, relativePath), 'r+');
  try {
    // In the metapage: root, level, fast root, fast level.
    const pointers = Buffer.alloc(16);
    pointers.writeUInt32LE(1, 0);
    pointers.writeUInt32LE(level, 4);
    pointers.writeUInt32LE(1, 8);
    pointers.writeUInt32LE(level, 12);
    writeSync(fd, pointers, 0, pointers.length, 32);
    for (let block = 1; block <= level + 1; block += 1) {
      const page = btreePage(level + 1 - block, block === 1, block + 1);
      writeSync(fd, page, 0, page.length, block * pageBytes);
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Lets the first page of an inverted index say what is in it, which the planner reads. The file must have its size already.
 * Layout: GinMetaPageData in src/include/access/ginblock.h.
 */
export function fillGin(dataDirectory: string, relativePath: string, pages: number, gin: GinShape): void {
  const fd = openSync(join(dataDirectory, relativePath), 'r+');
  try {
    const counts = Buffer.alloc(24);
    counts.writeUInt32LE(pages, 0);
    counts.writeUInt32LE(gin.entryPages, 4);
    counts.writeUInt32LE(gin.dataPages, 8);
    counts.writeBigInt64LE(BigInt(gin.entries), 16);
    writeSync(fd, counts, 0, counts.length, 48);
  } finally {
    closeSync(fd);
  }
}

const leafFlag = 1;
const rootFlag = 2;
/** In an index tuple's size word: its offset number is a count of key columns, here 0, "minus infinity". */
const pivotFlag = 0x2000;

function btreePage(level: number, root: boolean, child: number): Buffer {
  const page = Buffer.alloc(pageBytes);
  const special = pageBytes - 16;
  const upper = level === 0 ? special : special - 8;
  page.writeUInt16LE(level === 0 ? 24 : 28, 12);
  page.writeUInt16LE(upper, 14);
  page.writeUInt16LE(special, 16);
  page.writeUInt16LE(pageBytes | 4, 18);
  if (level > 0) {
    // A line pointer (offset, state "normal", length) to one tuple: the block below, and its size.
    page.writeUInt32LE((upper | (1 << 15) | (8 << 17)) >>> 0, 24);
    page.writeUInt16LE(child >>> 16, upper);
    page.writeUInt16LE(child & 0xffff, upper + 2);
    page.writeUInt16LE(8 | pivotFlag, upper + 6);
  }
  page.writeUInt32LE(level, special + 8);
  page.writeUInt16LE((level === 0 ? leafFlag : 0) | (root ? rootFlag : 0), special + 12);
  return page;
}
