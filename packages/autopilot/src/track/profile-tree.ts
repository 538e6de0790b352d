import type { ProfileFrame, ProfileTree } from '../contract/profile.ts';

/** A stack of calls with what was taken at its end: the uppermost call first. */
export interface ProfiledStack {
  readonly route: string;
  readonly frames: readonly ProfileFrame[];
  readonly value: number;
}

/** Calls that are told apart; those with the most come first. */
const MAX_NODES = 4_000;
/** Less than this share of the whole can't be seen in a drawing. */
const LEAST_SHARE = 0.000_5;
const MAX_DEPTH = 200;
const MAX_NAME_LENGTH = 120;
/** Where calls were left out: what they took is still counted. */
const REST: ProfileFrame = { name: '(smaller calls)', file: '', line: 0 };

interface Call {
  readonly frame: ProfileFrame;
  readonly parent: Call | null;
  readonly depth: number;
  readonly calls: Map<string, Call>;
  self: number;
  total: number;
}

/** The stacks as one tree, of bounded size whatever they are. */
export function profileTree(
  stacks: Iterable<ProfiledStack>,
  { samples, digits, notes }: { readonly samples: number; readonly digits: number; readonly notes: readonly string[] },
): ProfileTree {
  const top = new Map<string, Call>();
  let total = 0;
  for (const { route, frames, value } of stacks) {
    if (!(value > 0)) continue;
    total += value;
    let call = callIn(top, { name: route, file: '', line: 0 }, null);
    call.total += value;
    for (const frame of frames.slice(0, MAX_DEPTH)) {
      call = callIn(call.calls, frame, call);
      call.total += value;
    }
    call.self += value;
  }
  return { ...flat(kept(top, total), digits), total: rounded(total, digits), samples, notes };
}

function callIn(calls: Map<string, Call>, frame: ProfileFrame, parent: Call | null): Call {
  const key = keyOf(frame);
  const known = calls.get(key);
  if (known !== undefined) return known;
  const call: Call = { frame, parent, depth: (parent?.depth ?? 0) + 1, calls: new Map(), self: 0, total: 0 };
  calls.set(key, call);
  return call;
}

/** Frames of the same key are the same place. */
export function keyOf({ name, file, line }: ProfileFrame): string {
  return `${name}\u0000${file}\u0000${line}`;
}

/** The calls with the most, each after its parent, whose total is never less. */
function kept(top: ReadonlyMap<string, Call>, total: number): readonly Call[] {
  const all: Call[] = [];
  const visit = (calls: ReadonlyMap<string, Call>): void => {
    for (const call of calls.values()) {
      if (call.total < total * LEAST_SHARE) continue;
      all.push(call);
      visit(call.calls);
    }
  };
  visit(top);
  return all.sort((a, b) => b.total - a.total || a.depth - b.depth).slice(0, MAX_NODES);
}

function flat(calls: readonly Call[], digits: number): Pick<ProfileTree, 'frames' | 'nodes'> {
  const numbers = new Map(calls.map((call, index) => [call, index]));
  const frames: ProfileFrame[] = [];
  const frameNumbers = new Map<string, number>();
  const frameOf = (frame: ProfileFrame): number => {
    const key = keyOf(frame);
    const known = frameNumbers.get(key);
    if (known !== undefined) return known;
    frameNumbers.set(key, frames.length);
    return frames.push(frame) - 1;
  };
  const nodes = calls.map(({ frame, parent, self }) => [
    frameOf(frame),
    parent === null ? -1 : (numbers.get(parent) ?? -1),
    rounded(self, digits),
  ]);
  for (const [index, call] of calls.entries()) {
    let rest = 0;
    for (const child of call.calls.values()) if (!numbers.has(child)) rest += child.total;
    if (rest > 0) nodes.push([frameOf(REST), index, rounded(rest, digits)]);
  }
  return { frames, nodes };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** A place as it is shown: nothing of where the machine keeps it. `folder`: the process's own, as a file URL that ends in a slash. */
export function frameOf(functionName: string, url: string, lineNumber: number, folder: string): ProfileFrame {
  const name = (functionName || '(anonymous)').slice(0, MAX_NAME_LENGTH);
  const packages = url.lastIndexOf('/node_modules/');
  const address = url.startsWith('/') ? `file://${url}` : url;
  const file =
    packages >= 0
      ? url.slice(packages + '/node_modules/'.length)
      : address.startsWith(folder)
        ? address.slice(folder.length)
        : address.startsWith('file:')
          ? address.slice(address.lastIndexOf('/') + 1)
          : address;
  return { name, file: file.slice(-MAX_NAME_LENGTH), line: file === '' ? 0 : lineNumber + 1 };
}
