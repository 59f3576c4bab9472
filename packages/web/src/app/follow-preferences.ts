import { useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { meQuery } from '../api/me.ts';
import { isLanguage, storedLanguage } from '../i18n/catalogue.ts';
import { useLanguageChange } from './language.tsx';

export const COLOR_SCHEMES = ['auto', 'light', 'dark'] as const;
export type ColorScheme = (typeof COLOR_SCHEMES)[number];

/** Language and theme as the person chose them, on whatever device that was; this browser keeps a copy for the first view. */
export function useFollowPreferences(): void {
  const preferences = useQuery(meQuery).data?.preferences;
  const changeLanguage = useLanguageChange();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const language = preferences?.['language'];
  const theme = COLOR_SCHEMES.find((scheme) => scheme === preferences?.['theme']);
  useEffect(() => {
    if (isLanguage(language) && language !== storedLanguage()) void changeLanguage(language);
  }, [language, changeLanguage]);
  useEffect(() => {
    if (theme !== undefined && theme !== colorScheme) setColorScheme(theme);
    // Only what the person chose elsewhere is followed, not the choice that is being made here.
  }, [theme]);
}

/** For documents that have no other use for who is signed in. */
export function FollowPreferences() {
  useFollowPreferences();
  return null;
}
