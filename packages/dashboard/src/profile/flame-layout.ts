import type { ProfileFrame, ProfileTree } from '@teamflow/autopilot/contract';

/** A call of a profile with what it took. */
export interface FlameCall {
  /** Its number among the calls. */
  readonly index: number;
  readonly frame: ProfileFrame;
  /** -1: it is one of the uppermost, a route. */
  readonly parent: number;
  readonly self: number;
  /** With all it called. */
  readonly total: number;
  /** Most first. */
  readonly children: readonly number[];
}

/** A box of the drawing; `left` and `width` from 0 to 1. */
export interface FlameBox {
  readonly call: FlameCall;
  readonly depth: number;
  readonly left: number;
  readonly width: number;
}

/** Narrower ones can neither be read nor hit. */
const LEAST_WIDTH = 0.002;

/** The calls of a profile, with their totals and in order. */
export function callsOf({ frames, nodes }: ProfileTree): readonly FlameCall[] {
  const totals = nodes.map(([, , self = 0]) => self);
  const children = nodes.map((): number[] => []);
  // Parents come first: from the end each total is whole when it is added to its parent's.
  for (let index = nodes.length - 1; index >= 0; index--) {
    const parent = nodes[index]?.[1] ?? -1;
    if (parent < 0) continue;
    totals[parent] = (totals[parent] ?? 0) + (totals[index] ?? 0);
    children[parent]?.push(index);
  }
  const most = (a: number, b: number): number => (totals[b] ?? 0) - (totals[a] ?? 0) || a - b;
  return nodes.map(([frame = 0, parent = -1, self = 0], index) => ({
    index,
    frame: frames[frame] ?? { name: '(unknown)', file: '', line: 0 },
    parent,
    self,
    total: totals[index] ?? 0,
    children: (children[index] ?? []).toSorted(most),
  }));
}

/** Where the calls are drawn: all of them, or one across the whole width with those above it. */
export function boxesOf(calls: readonly FlameCall[], focus: number | null): readonly FlameBox[] {
  const boxes: FlameBox[] = [];
  const place = (call: FlameCall, depth: number, left: number, scale: number): void => {
    const width = call.total * scale;
    if (width < LEAST_WIDTH) return;
    boxes.push({ call, depth, left, width });
    let at = left;
    for (const child of callsIn(calls, call.children)) {
      place(child, depth + 1, at, scale);
      at += child.total * scale;
    }
  };
  const focused = focus === null ? undefined : calls[focus];
  if (focused === undefined) {
    const top = calls.filter(({ parent }) => parent === -1).toSorted((a, b) => b.total - a.total || a.index - b.index);
    const whole = top.reduce((sum, { total }) => sum + total, 0);
    let at = 0;
    for (const call of top) {
      place(call, 0, at, 1 / whole);
      at += call.total / whole;
    }
    return boxes;
  }
  const above: FlameCall[] = [];
  for (let up = calls[focused.parent]; up !== undefined; up = calls[up.parent]) above.unshift(up);
  for (const [depth, call] of above.entries()) boxes.push({ call, depth, left: 0, width: 1 });
  if (focused.total > 0) place(focused, above.length, 0, 1 / focused.total);
  return boxes;
}

function callsIn(calls: readonly FlameCall[], numbers: readonly number[]): readonly FlameCall[] {
  return numbers.flatMap((number) => calls[number] ?? []);
}

/** A place and what it took by itself, wherever it was called. */
export interface HotPlace {
  readonly frame: ProfileFrame;
  readonly self: number;
}

/** The places that took most by themselves; routes and sums are none. */
export function hotPlaces(calls: readonly FlameCall[], count: number): readonly HotPlace[] {
  const places = new Map<string, { frame: ProfileFrame; self: number }>();
  for (const { frame, self, parent } of calls) {
    if (parent === -1 || self === 0) continue;
    const key = placeText(frame);
    const known = places.get(key);
    if (known === undefined) places.set(key, { frame, self });
    else known.self += self;
  }
  return [...places.values()].toSorted((a, b) => b.self - a.self).slice(0, count);
}

/** "burn app.ts:12" */
export function placeText({ name, file, line }: ProfileFrame): string {
  return file === '' ? name : `${name} ${file}${line > 0 ? `:${line}` : ''}`;
}

/** Whose code a place is: the application's, a package's, or Node's own and the engine's. */
export function ownerOf({ file, line }: ProfileFrame): 'own' | 'package' | 'platform' {
  if (file === '' || line === 0 || file.startsWith('node:')) return 'platform';
  // Packages are named by what follows node_modules: no folder of the application has come before.
  return /\.[cm]?tsx?$/.test(file) || /^(\.|src\/|server\/|apps?\/|lib\/|dist\/)/.test(file) || !file.includes('/')
    ? 'own'
    : 'package';
}
