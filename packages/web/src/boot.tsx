import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './theme/global.css';
import { MantineProvider, DirectionProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiFault } from './api/http.ts';
import { LanguageProvider } from './app/language.tsx';
import { hardenDocument, styleNonce } from './document/hardening.ts';
import { removeLeftDownloads } from './files/browser-target.ts';
import { loadMessages, storedLanguage } from './i18n/catalogue.ts';
import { cssVariables, theme } from './theme/theme.ts';

const RETRIES = 2;

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (count, error) =>
          count < RETRIES && error instanceof ApiFault && (error.code === 'NETWORK' || error.status >= 500),
        refetchOnWindowFocus: true,
      },
    },
  });
}

/** Starts one of the documents: hardened first, then in the person's language, theme and direction. */
export async function boot(content: ReactNode): Promise<void> {
  hardenDocument();
  const language = storedLanguage();
  const messages = await loadMessages(language);
  const root = document.getElementById('root');
  if (root === null) throw new Error('the document has no root element');
  createRoot(root).render(
    <StrictMode>
      <DirectionProvider>
        <MantineProvider
          theme={theme}
          cssVariablesResolver={cssVariables}
          defaultColorScheme="auto"
          getStyleNonce={styleNonce}
        >
          <QueryClientProvider client={createQueryClient()}>
            <LanguageProvider language={language} messages={messages}>
              <Notifications position="bottom-right" limit={3} transitionDuration={120} />
              {content}
            </LanguageProvider>
          </QueryClientProvider>
        </MantineProvider>
      </DirectionProvider>
    </StrictMode>,
  );
  removeLeftDownloads().catch(reportError);
}
