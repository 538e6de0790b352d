import type { Cell, SeriesWindow, Window } from '../contract/series.ts';
import type { UpMessage } from './protocol.ts';

/**
 * What an agent says, as text: JSON, where the bytes of a histogram are `{"base64":"..."}`. Node's own serializer would be
 * shorter to write, but an older Node can't read a newer one's, and it is not made to be given bytes by others.
 */

/** A message for the body of a request. */
export function encodeUp(message: UpMessage): string {
  if (message.kind !== 'windows') return JSON.stringify(message);
  return JSON.stringify({ ...message, windows: message.windows.map((window) => withCells(window, packed)) });
}

/**
 * The message again. What is inside of windows is as it came: the receiver looks at it.
 * @throws SyntaxError or TypeError when it is none.
 */
export function decodeUp(text: string): UpMessage {
  const message: unknown = JSON.parse(text);
  if (typeof message !== 'object' || message === null || !('kind' in message)) {
    throw new TypeError('it is no message of the link');
  }
  // The kind is looked at below and by the receiver, which takes anything for possible.
  const said = message as UpMessage;
  if (said.kind !== 'windows' || !Array.isArray(said.windows)) return said;
  return { ...said, windows: said.windows.map((window: Window) => withCells(window, unpacked)) };
}

function withCells(window: Window, change: (cell: Cell) => unknown): Window {
  if (!Array.isArray(window?.series)) return window;
  const series = window.series.map((one: SeriesWindow) => {
    if (typeof one?.cells !== 'object' || one.cells === null) return one;
    return { ...one, cells: Object.fromEntries(Object.entries(one.cells).map(([name, cell]) => [name, change(cell)])) };
  });
  return { ...window, series: series as readonly SeriesWindow[] }; // `as`: cells on the wire, or what came over it
}

function packed(cell: Cell): unknown {
  if (!(cell instanceof Uint8Array)) return cell;
  return { base64: Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('base64') };
}

function unpacked(cell: unknown): unknown {
  if (typeof cell !== 'object' || cell === null || !('base64' in cell) || typeof cell.base64 !== 'string') return cell;
  const bytes = Buffer.from(cell.base64, 'base64');
  // A plain array with bytes of its own, not a piece of Node's pool that would keep all of it.
  return new Uint8Array(bytes);
}
