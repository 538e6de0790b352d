import { createTheme, localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { createQueryClient } from './api/query-client.ts';
import { useMe } from './session/session.ts';
import { SignInPage } from './session/sign-in-page.tsx';
import { PageFrame } from './shell/page-frame.tsx';
import { Failure, Loading } from './ui/states.tsx';

// public/color-scheme.js reads the same key before the first paint.
const schemes = localStorageColorSchemeManager({ key: 'teamflow-color-scheme' });
const theme = createTheme({ cursorType: 'pointer', respectReducedMotion: true });

/** TeamFlow's pages. Mantine writes no style elements at run time: the policy allows none, so its variables are in styles/tokens.css. */
export function App(): ReactElement {
  const [client] = useState(createQueryClient);
  return (
    <MantineProvider
      theme={theme}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={client}>
        <Door />
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Door(): ReactElement {
  const me = useMe();
  if (me.data === null) return <SignInPage />;
  if (me.data !== undefined) return <PageFrame me={me.data} />;
  return (
    <main className="sign-in">
      {me.isError ? <Failure error={me.error} onRetry={() => void me.refetch()} /> : <Loading />}
    </main>
  );
}
