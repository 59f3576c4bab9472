import { createContext, use, useCallback, useMemo, useState, type ReactNode } from 'react';
import { loadMessages, storeLanguage, type Language, type Messages } from '../i18n/catalogue.ts';
import { TextProvider } from '../i18n/text.tsx';
import { WordedTheme } from '../theme/worded-theme.tsx';

const Context = createContext<(language: Language) => Promise<void>>(() => Promise.resolve());

export function LanguageProvider(props: {
  readonly language: Language;
  readonly messages: Messages;
  readonly children: ReactNode;
}) {
  const [current, setCurrent] = useState({ language: props.language, messages: props.messages });
  const change = useCallback(async (language: Language) => {
    const messages = await loadMessages(language);
    storeLanguage(language);
    document.documentElement.lang = language;
    setCurrent({ language, messages });
  }, []);
  useMemo(() => {
    document.documentElement.lang = props.language;
  }, [props.language]);
  return (
    <Context value={change}>
      <TextProvider language={current.language} messages={current.messages}>
        <WordedTheme>{props.children}</WordedTheme>
      </TextProvider>
    </Context>
  );
}

export function useLanguageChange(): (language: Language) => Promise<void> {
  return use(Context);
}
