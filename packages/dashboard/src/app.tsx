import { createTheme, localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { LiveDashboardProvider } from './live/live-dashboard.tsx';
import { RangeViewProvider } from './range/range-view.tsx';
import { PageFrame } from './shell/page-frame.tsx';

// public/color-scheme.js reads the same key before the first paint.
const schemes = localStorageColorSchemeManager({ key: 'autopilot-color-scheme' });
const theme = createTheme({ cursorType: 'pointer', respectReducedMotion: true });
const queries = new QueryClient({ defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false } } });

/** The dashboard. Mantine writes no style elements at run time: the policy allows none, so its variables are in styles/tokens.css. */
export function App(): ReactElement {
  return (
    <MantineProvider
      theme={theme}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queries}>
        <LiveDashboardProvider>
          <RangeViewProvider>
            <PageFrame />
          </RangeViewProvider>
        </LiveDashboardProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
