import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const chilli: MantineColorsTuple = [
  '#fff0ed',
  '#fddcd6',
  '#f7b5a9',
  '#f28b79',
  '#ec6a53',
  '#e2523a',
  '#cf3a22',
  '#b92f19',
  '#9d2715',
  '#7d1f12',
];
const neutral: MantineColorsTuple = [
  '#f7f7f8',
  '#efeff1',
  '#e3e3e6',
  '#d2d2d7',
  '#b4b4bb',
  '#8e8e97',
  '#6a6a73',
  '#52525a',
  '#3a3a41',
  '#232328',
];
const night: MantineColorsTuple = [
  '#d6d6db',
  '#b6b6be',
  '#9d9da6',
  '#7b7b85',
  '#44444c',
  '#33333a',
  '#26262b',
  '#1b1b1f',
  '#151518',
  '#0e0e10',
];

export const MONOSPACE =
  'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

export const theme = createTheme({
  primaryColor: 'chilli',
  primaryShade: { light: 7, dark: 6 },
  colors: { chilli, gray: neutral, dark: night },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: MONOSPACE,
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  spacing: { xs: '0.5rem', sm: '0.75rem', md: '1rem', lg: '1.5rem', xl: '2rem' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.25rem', lineHeight: '1.4' },
      h2: { fontSize: '1rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  radius: { xs: '2px', sm: '4px', md: '6px', lg: '10px', xl: '16px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { openDelay: 400, transitionProps: { duration: 100 }, withinPortal: true } },
    Menu: { defaultProps: { shadow: 'md', transitionProps: { duration: 100 }, position: 'bottom-end' } },
    Modal: {
      defaultProps: { transitionProps: { duration: 120 }, centered: true, overlayProps: { backgroundOpacity: 0.5 } },
    },
    Drawer: {
      defaultProps: {
        transitionProps: { duration: 120 },
        position: 'right',
        overlayProps: { backgroundOpacity: 0.35 },
      },
    },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 'lg' } },
  },
});

/** Contrast is at least 4.5:1 for text in both schemes; tests of the pages check it. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#62626b',
    '--mantine-color-placeholder': '#6e6e77',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-anchor': '#232328',
    '--surface-raised': '#ffffff',
    '--surface-page': '#f7f7f8',
    '--line': '#e3e3e6',
    '--hover': '#efeff1',
    '--selected': '#e9e9ec',
    '--ok': '#18753c',
    '--warn': '#8a5300',
    '--bad': '#b3261e',
    '--mark': '#ffe7a3',
    '--mark-text': '#232328',
    '--accent': '#b92f19',
  },
  dark: {
    '--mantine-color-body': '#151518',
    '--mantine-color-dimmed': '#a3a3ad',
    '--mantine-color-placeholder': '#8f8f99',
    '--mantine-color-error': '#ff8a80',
    '--mantine-color-anchor': '#e6e6ea',
    '--surface-raised': '#1b1b1f',
    '--surface-page': '#121214',
    '--line': '#2d2d33',
    '--hover': '#222227',
    '--selected': '#2a2a30',
    '--ok': '#63c98b',
    '--warn': '#e5ae4d',
    '--bad': '#ff8a80',
    '--mark': '#6b5413',
    '--mark-text': '#ffeec2',
    '--accent': '#f28b79',
  },
});
