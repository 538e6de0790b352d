import { Button, Switch } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { Dialog } from '../ui/dialog.tsx';
import { areShortcutsOn, setShortcutsOn, shortcuts } from './shortcuts.ts';
import './shortcuts-dialog.css';

/** Lists the keys, and switches them off. */
export function ShortcutsDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [isOn, setOn] = useState(areShortcutsOn);
  return (
    <Dialog title="Keyboard" className="shortcuts-dialog" onClose={onClose}>
      <dl>
        {shortcuts.map(({ keys, description }) => (
          <div key={keys}>
            <dt>{description}</dt>
            <dd>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
        <div>
          <dt>Move a card of the board: pick up, move, put down</dt>
          <dd>
            <kbd>Space</kbd>
            <kbd>←↑↓→</kbd>
            <kbd>Space</kbd>
          </dd>
        </div>
      </dl>
      <Switch
        label="Single keys do these things"
        checked={isOn}
        onChange={(event) => {
          setOn(event.currentTarget.checked);
          setShortcutsOn(event.currentTarget.checked);
        }}
      />
      <Button variant="default" fullWidth onClick={onClose}>
        Close
      </Button>
    </Dialog>
  );
}
