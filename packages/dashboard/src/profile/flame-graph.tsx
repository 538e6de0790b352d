import type { Profile, ProfileTree } from '@teamflow/autopilot/contract';
import { type KeyboardEvent, type ReactElement, useMemo, useRef, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { boxesOf, callsOf, type FlameBox, hotPlaces, ownerOf, placeText } from './flame-layout.ts';

interface FlameGraphProps {
  readonly tree: ProfileTree;
  readonly kind: Profile['kind'];
}

const ROW_HEIGHT = 21;
const HOT_PLACES = 12;

/** Calls by route: as wide as what they took, those they called below them. A press widens one; arrows walk. */
export function FlameGraph({ tree, kind }: FlameGraphProps): ReactElement {
  const calls = useMemo(() => callsOf(tree), [tree]);
  const [focus, setFocus] = useState<number | null>(null);
  const [active, setActive] = useState(0);
  const drawing = useRef<HTMLDivElement>(null);
  const boxes = useMemo(() => boxesOf(calls, focus), [calls, focus]);
  const depth = Math.max(0, ...boxes.map((box) => box.depth)) + 1;
  const text = (value: number): string => formatQuantity(kind === 'cpu' ? 'duration' : 'bytes', value);
  const share = (value: number): string => formatQuantity('ratio', tree.total === 0 ? 0 : value / tree.total);
  const current = boxes.some(({ call }) => call.index === active) ? active : (boxes[0]?.call.index ?? 0);

  const walk = (event: KeyboardEvent<HTMLButtonElement>): void => {
    const next = neighbour(boxes, current, event.key);
    if (event.key === 'Escape') setFocus(null);
    if (next === null) return;
    event.preventDefault();
    setActive(next);
    drawing.current?.querySelector<HTMLElement>(`[data-call="${next}"]`)?.focus();
  };
  return (
    <>
      <p className="flame-words numbers">
        <strong>{text(tree.total)}</strong> in {formatQuantity('count', tree.samples)} samples.{' '}
        {focus === null ? 'A press widens a call.' : null}
        {focus !== null && (
          <button type="button" className="quiet-button" onClick={() => setFocus(null)}>
            Show all
          </button>
        )}
      </p>
      <div
        ref={drawing}
        className="flame-graph"
        role="group"
        aria-label="Calls by route"
        style={{ height: depth * ROW_HEIGHT }}
      >
        {boxes.map(({ call, depth: row, left, width }) => (
          <button
            key={call.index}
            type="button"
            data-call={call.index}
            data-owner={call.parent === -1 ? 'route' : ownerOf(call.frame)}
            tabIndex={call.index === current ? 0 : -1}
            style={{ top: row * ROW_HEIGHT, left: `${left * 100}%`, width: `${width * 100}%` }}
            title={`${placeText(call.frame)}: ${text(call.total)}, ${share(call.total)}; by itself ${text(call.self)}`}
            aria-label={`${call.frame.name}, ${text(call.total)}, ${share(call.total)}`}
            onKeyDown={walk}
            onFocus={() => setActive(call.index)}
            onClick={() => setFocus(focus === call.index ? null : call.index)}
          >
            {call.frame.name}
          </button>
        ))}
      </div>
      <table className="numbers hot-places">
        <caption className="visually-hidden">The places that took most by themselves</caption>
        <thead>
          <tr>
            <th scope="col">By itself</th>
            <th scope="col">Share</th>
            <th scope="col">Function</th>
          </tr>
        </thead>
        <tbody>
          {hotPlaces(calls, HOT_PLACES).map(({ frame, self }) => (
            <tr key={placeText(frame)}>
              <td>{text(self)}</td>
              <td>{share(self)}</td>
              <th scope="row">
                <code>{frame.name}</code> <span className="card-note">{placeText({ ...frame, name: '' }).trim()}</span>
              </th>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Where an arrow leads from a call: up to its caller, down to what it called most, aside to the next of the same row. */
function neighbour(boxes: readonly FlameBox[], current: number, key: string): number | null {
  const box = boxes.find(({ call }) => call.index === current);
  if (box === undefined) return null;
  switch (key) {
    case 'ArrowUp':
      return box.call.parent === -1 ? null : box.call.parent;
    case 'ArrowDown':
      return box.call.children.find((child) => boxes.some(({ call }) => call.index === child)) ?? null;
    case 'ArrowLeft':
    case 'ArrowRight': {
      const row = boxes.filter(({ depth }) => depth === box.depth).toSorted((a, b) => a.left - b.left);
      return row[row.indexOf(box) + (key === 'ArrowLeft' ? -1 : 1)]?.call.index ?? null;
    }
    default:
      return null;
  }
}
