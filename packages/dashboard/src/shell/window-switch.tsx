import { SegmentedControl } from '@mantine/core';
import type { ReactElement } from 'react';
import { formatMinutes } from '../format/time.ts';
import { WINDOW_MINUTES } from './address.ts';
import { select } from './use-selection.ts';

/** How far the page looks back. */
export function WindowSwitch({ minutes }: { readonly minutes: number }): ReactElement {
  return (
    <SegmentedControl
      className="window-switch"
      size="xs"
      withItemsBorders={false}
      aria-label="Time window"
      value={String(minutes)}
      onChange={(value) => select({ minutes: Number(value) })}
      data={WINDOW_MINUTES.map((one) => ({
        value: String(one),
        label: (
          <>
            <span aria-hidden="true">{one}m</span>
            <span className="visually-hidden">Last {formatMinutes(one)}</span>
          </>
        ),
      }))}
    />
  );
}
