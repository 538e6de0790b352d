import { Button, Kbd, Switch } from '@mantine/core';
import { type ReactElement, useEffect, useRef } from 'react';
import { shortcuts } from './shortcuts.ts';
import './message-panel.css';

interface ShortcutsDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly isOn: boolean;
  readonly setOn: (isOn: boolean) => void;
}

/** Lists the keys. The browser's own dialog: it keeps the focus inside and gives it back. */
export function ShortcutsDialog({ isOpen, onClose, isOn, setOn }: ShortcutsDialogProps): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} className="shortcuts-dialog" aria-labelledby="shortcuts-title" onClose={onClose}>
      <h2 id="shortcuts-title">Keyboard</h2>
      <dl>
        {shortcuts.map(({ keys, description }) => (
          <div key={description}>
            <dt>{description}</dt>
            <dd>
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <Switch
        label="Single keys do these things"
        checked={isOn}
        onChange={(event) => setOn(event.currentTarget.checked)}
      />
      <form method="dialog">
        <Button type="submit" variant="default" size="sm" fullWidth>
          Close
        </Button>
      </form>
    </dialog>
  );
}
