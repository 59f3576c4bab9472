import { UnstyledButton } from '@mantine/core';
import { useLanguageChange } from '../app/language.tsx';
import { LANGUAGES, type Language } from '../i18n/catalogue.ts';
import { useText } from '../i18n/text.tsx';

export function LanguageChoice() {
  const text = useText();
  const change = useLanguageChange();
  return (
    <footer className="door-foot">
      {(Object.keys(LANGUAGES) as Language[]).map((language) => (
        <UnstyledButton
          key={language}
          lang={language}
          fz="xs"
          fw={text.language === language ? 600 : 400}
          aria-pressed={text.language === language}
          onClick={() => void change(language)}
        >
          {LANGUAGES[language]}
        </UnstyledButton>
      ))}
    </footer>
  );
}
