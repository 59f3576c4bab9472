import { PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { useText } from '../i18n/text.tsx';

const SHORTEST_PASSWORD = 12;

export interface NewPassword {
  readonly value: string;
  readonly repeated: string;
  readonly isReady: boolean;
  readonly set: (change: { readonly value?: string; readonly repeated?: string }) => void;
}

export function useNewPassword(): NewPassword {
  const [{ value, repeated }, setBoth] = useState({ value: '', repeated: '' });
  return {
    value,
    repeated,
    isReady: value.length >= SHORTEST_PASSWORD && value === repeated,
    set: (change) => setBoth((before) => ({ ...before, ...change })),
  };
}

/** A new password, twice. */
export function NewPasswordFields({ password }: { readonly password: NewPassword }) {
  const text = useText();
  const { value, repeated, set } = password;
  return (
    <>
      <PasswordInput
        label={text('field.password')}
        description={text('field.password-help')}
        error={value !== '' && value.length < SHORTEST_PASSWORD ? text('field.password-short') : undefined}
        value={value}
        onChange={(event) => set({ value: event.currentTarget.value })}
        autoComplete="new-password"
        required
        autoFocus
      />
      <PasswordInput
        label={text('field.password-again')}
        error={repeated !== '' && repeated !== value ? text('field.password-differs') : undefined}
        value={repeated}
        onChange={(event) => set({ repeated: event.currentTarget.value })}
        autoComplete="new-password"
        required
      />
    </>
  );
}
