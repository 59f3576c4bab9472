import { createContext, use, useMemo, type ReactNode } from 'react';
import type { Language, Messages } from './catalogue.ts';
import { createText, localeOf, type Text } from './text-functions.ts';

export type { Text } from './text-functions.ts';

const Context = createContext<Text | undefined>(undefined);

export function TextProvider(props: {
  readonly language: Language;
  readonly messages: Messages;
  readonly children: ReactNode;
}) {
  const value = useMemo(
    () => createText(props.language, props.messages, localeOf(props.language, navigator.languages)),
    [props.language, props.messages],
  );
  return <Context value={value}>{props.children}</Context>;
}

export function useText(): Text {
  const text = use(Context);
  if (text === undefined) throw new Error('useText is called outside of TextProvider');
  return text;
}
