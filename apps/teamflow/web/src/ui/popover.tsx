import { type ReactElement, type ReactNode, type ToggleEvent, useId, useRef, useState } from 'react';
import { ChevronIcon } from './icons.tsx';
import './popover.css';

interface PopoverProps {
  readonly label: string;
  /** What is chosen; undefined: nothing is. */
  readonly value?: string | undefined;
  readonly children: ReactNode;
}

/** A button that opens a small panel below it; the browser closes it at Escape or a press elsewhere. */
export function Popover({ label, value, children }: PopoverProps): ReactElement {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  const toggled = (event: ToggleEvent<HTMLDivElement>): void => {
    setOpen(event.newState === 'open');
    if (event.newState !== 'open' || button.current === null) return;
    const panel = event.currentTarget;
    const { left, bottom } = button.current.getBoundingClientRect();
    panel.style.left = `${Math.max(8, Math.min(left, innerWidth - panel.offsetWidth - 8))}px`;
    panel.style.top = `${Math.min(bottom + 4, innerHeight - panel.offsetHeight - 8)}px`;
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={`quiet-button framed filter-button${value === undefined ? '' : ' chosen'}`}
        popoverTarget={id}
        aria-expanded={isOpen}
      >
        {label}
        {value !== undefined && <strong>{value}</strong>}
        <ChevronIcon />
      </button>
      {/* Drawn only while open: a list has many of them. */}
      <div id={id} popover="auto" className="popover" onToggle={toggled}>
        {isOpen && children}
      </div>
    </>
  );
}

interface ChoicesProps<Value extends string> {
  readonly legend: string;
  readonly values: readonly Value[];
  readonly chosen: readonly Value[];
  readonly names: Readonly<Record<Value, string>>;
  readonly mark: (value: Value) => ReactNode;
  readonly onChange: (chosen: readonly Value[]) => void;
}

/** Any number of some values. */
export function Choices<Value extends string>(props: ChoicesProps<Value>): ReactElement {
  const { legend, values, chosen, names, mark, onChange } = props;
  return (
    <fieldset className="choices">
      <legend className="visually-hidden">{legend}</legend>
      {values.map((value) => (
        <label key={value}>
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={(event) =>
              onChange(values.filter((one) => (one === value ? event.currentTarget.checked : chosen.includes(one))))
            }
          />
          {mark(value)}
          {names[value]}
        </label>
      ))}
      {chosen.length > 0 && (
        <button type="button" className="quiet-button" onClick={() => onChange([])}>
          Clear
        </button>
      )}
    </fieldset>
  );
}
