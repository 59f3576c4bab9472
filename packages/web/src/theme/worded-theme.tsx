import { createTheme, MantineThemeProvider } from '@mantine/core';
import { useMemo, type ReactNode } from 'react';
import { useText } from '../i18n/text.tsx';

/** Names for the buttons that have only a picture, in the person's language, wherever Mantine draws them. */
export function WordedTheme(props: { readonly children: ReactNode }) {
  const text = useText();
  const theme = useMemo(() => {
    const closes = { defaultProps: { closeButtonProps: { 'aria-label': text('common.close') } } };
    const shows = { defaultProps: { visibilityToggleButtonProps: { 'aria-label': text('field.show-password') } } };
    return createTheme({ components: { Drawer: closes, Modal: closes, PasswordInput: shows } });
  }, [text]);
  return <MantineThemeProvider theme={theme}>{props.children}</MantineThemeProvider>;
}
