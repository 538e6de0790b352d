import { type MantineColorScheme, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import type { ReactElement } from 'react';
import { MoonIcon, SunIcon, SystemIcon } from '../ui/icons.tsx';

const next: Readonly<Record<MantineColorScheme, MantineColorScheme>> = { auto: 'light', light: 'dark', dark: 'auto' };
const names: Readonly<Record<MantineColorScheme, string>> = { auto: 'as the system', light: 'light', dark: 'dark' };

/** The colour scheme in use, and a way to turn it round. */
export function useScheme(): { readonly turn: () => void } {
  const { setColorScheme } = useMantineColorScheme();
  const now = useComputedColorScheme();
  return { turn: () => setColorScheme(now === 'dark' ? 'light' : 'dark') };
}

/** Goes from the system's colour scheme to light to dark; the choice is remembered. */
export function SchemeSwitch(): ReactElement {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const label = `Colours: ${names[colorScheme]}. Change to ${names[next[colorScheme]]}`;
  return (
    <button
      type="button"
      className="quiet-button"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(next[colorScheme])}
    >
      {colorScheme === 'auto' ? <SystemIcon /> : colorScheme === 'light' ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}
