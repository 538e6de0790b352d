import { deserialize, serialize } from 'node:v8';
import type { Window } from '../contract/series.ts';

/** A window as bytes: a third of what it takes as an object, and its size is known. */
export function packWindow(window: Window): Buffer {
  return serialize(window);
}

/** @param bytes From {@link packWindow}, of this process. */
export function unpackWindow(bytes: Buffer): Window {
  // packWindow() serialized a window.
  return deserialize(bytes) as Window;
}
