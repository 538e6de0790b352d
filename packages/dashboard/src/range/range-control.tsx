import { type ReactElement, type SubmitEvent, useEffect, useId, useRef, useState } from 'react';
import { localInput, rangeText } from '../format/time.ts';
import { ChevronIcon, EarlierIcon, LaterIcon, ZoomOutIcon } from '../shell/icons.tsx';
import { select } from '../shell/use-selection.ts';
import { DEFAULT_RANGE, liveMinutes, moved, QUICK_RANGES_MS, type Range, spanText, spanWords } from './range.ts';
import { useRangeView, zoomOut } from './range-view.tsx';
import './range-control.css';

/** Which time the page shows, and the ways to another: at a press, typed in, a step back or forth, out. */
export function RangeControl(): ReactElement {
  const { selection, bounds, isLive } = useRangeView();
  const { range } = selection;
  const [isOpen, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useId();

  useEffect(() => {
    if (!isOpen) return undefined;
    const close = (event: Event): void => {
      if (event instanceof KeyboardEvent) {
        if (event.key !== 'Escape') return;
        button.current?.focus();
      } else if (event.target instanceof Node && place.current?.contains(event.target) === true) return;
      setOpen(false);
    };
    addEventListener('pointerdown', close);
    addEventListener('keydown', close);
    return () => {
      removeEventListener('pointerdown', close);
      removeEventListener('keydown', close);
    };
  }, [isOpen]);

  const choose = (chosen: Range): void => {
    select({ range: chosen });
    setOpen(false);
    button.current?.focus();
  };

  return (
    <div className="range-control" ref={place}>
      <button
        type="button"
        className="bar-button"
        aria-label="Earlier by half"
        title="Earlier by half ([)"
        onClick={() => select({ range: moved(bounds, -1, Date.now()) })}
      >
        <EarlierIcon />
      </button>
      <button
        type="button"
        ref={button}
        className="bar-button range-button numbers"
        aria-expanded={isOpen}
        aria-controls={panel}
        title="Change the time range (t)"
        id="range-button"
        onClick={() => setOpen(!isOpen)}
      >
        {isLive && <span className="range-live-dot" aria-hidden="true" />}
        <span className="visually-hidden">Time range: </span>
        {labelOf(range)}
        <ChevronIcon />
      </button>
      <button
        type="button"
        className="bar-button"
        aria-label="Later by half"
        title="Later by half (])"
        disabled={range.kind === 'last'}
        onClick={() => select({ range: moved(bounds, 1, Date.now()) })}
      >
        <LaterIcon />
      </button>
      <button
        type="button"
        className="bar-button"
        aria-label="Zoom out"
        title="Zoom out: twice as long (−, or double-click a chart)"
        onClick={() => zoomOut(bounds)}
      >
        <ZoomOutIcon />
      </button>
      {range.kind === 'fixed' && (
        <button type="button" className="bar-button range-live" onClick={() => select({ range: DEFAULT_RANGE })}>
          Live
        </button>
      )}
      {isOpen && (
        <section className="range-panel card" id={panel} aria-label="Time range">
          <ul className="range-quick">
            {QUICK_RANGES_MS.map((ms) => (
              <li key={ms}>
                <button
                  type="button"
                  aria-pressed={range.kind === 'last' && range.ms === ms}
                  onClick={() => choose({ kind: 'last', ms })}
                >
                  Last {spanWords(ms)}
                  {liveMinutes({ kind: 'last', ms }) !== null && <span className="range-live-word">live</span>}
                </button>
              </li>
            ))}
          </ul>
          <CustomRange from={bounds.from} to={bounds.to} onChoose={choose} />
        </section>
      )}
    </div>
  );
}

function CustomRange({
  from,
  to,
  onChoose,
}: {
  readonly from: number;
  readonly to: number;
  readonly onChoose: (range: Range) => void;
}): ReactElement {
  // Where the fields begin; while one types the range goes on.
  const [start, setStart] = useState(() => localInput(from));
  const [end, setEnd] = useState(() => localInput(to));
  const [problem, setProblem] = useState<string | null>(null);
  const apply = (event: SubmitEvent): void => {
    event.preventDefault();
    const chosen = { from: new Date(start).getTime(), to: new Date(end).getTime() };
    if (!(chosen.from < chosen.to)) setProblem('The start must be before the end.');
    else if (chosen.from > Date.now()) setProblem('The start is in the future.');
    else onChoose({ kind: 'fixed', ...chosen });
  };
  return (
    <form className="range-custom" onSubmit={apply}>
      <label>
        From
        <input
          type="datetime-local"
          step="1"
          required
          value={start}
          onChange={(event) => setStart(event.target.value)}
        />
      </label>
      <label>
        To
        <input type="datetime-local" step="1" required value={end} onChange={(event) => setEnd(event.target.value)} />
      </label>
      {problem !== null && (
        <p role="alert" data-tone="bad">
          {problem}
        </p>
      )}
      <button type="submit" className="bar-button range-apply">
        Show this range
      </button>
      <p className="card-note">
        Times are in {Intl.DateTimeFormat().resolvedOptions().timeZone}. Drag over a chart to zoom in.
      </p>
    </form>
  );
}

function labelOf(range: Range): string {
  if (range.kind === 'fixed') return rangeText(range.from, range.to);
  return liveMinutes(range) === null ? `Last ${spanWords(range.ms)}` : `Live, ${spanText(range.ms)}`;
}
