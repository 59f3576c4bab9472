import { Button, Checkbox, Divider, PasswordInput, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import type { SignedIn, SignInFacts } from '@enchilada/contract';
import { useState, type FormEvent } from 'react';
import { api } from '../api/client.ts';
import { askPasskey } from '../second-factor/authenticator.ts';
import { FactorFault } from '../second-factor/factor-fault.tsx';
import { useText } from '../i18n/text.tsx';

/** The first step of sign-in: name and password, or a passkey instead of both. */
export function PasswordForm(props: {
  readonly facts: SignInFacts;
  readonly isReturning: boolean;
  readonly onSignedIn: (signedIn: SignedIn) => void;
}) {
  const text = useText();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [consent, setConsent] = useState(false);
  const [busy, setBusy] = useState<'password' | 'passkey'>();
  const [fault, setFault] = useState<unknown>();
  const { banner, passkeys } = props.facts;
  const asksConsent = banner?.consent === true;
  const agreed = asksConsent ? { consent } : {};
  const attempt = async (way: 'password' | 'passkey', act: () => Promise<SignedIn>): Promise<void> => {
    setBusy(way);
    setFault(undefined);
    try {
      props.onSignedIn(await act());
    } catch (error) {
      setFault(error);
      setPassword('');
      setBusy(undefined);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void attempt('password', () => api('login', { body: { username, password, ...agreed } }));
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {props.isReturning && fault === undefined && (
          <Text size="sm" c="dimmed" role="status">
            {text('sign-in.continue')}
          </Text>
        )}
        <FactorFault error={fault} />
        {banner !== undefined && banner.text !== '' && (
          <section className="panel" aria-label={text('sign-in.banner')}>
            <ScrollArea.Autosize mah={180} p="sm" tabIndex={0}>
              <Text size="sm" className="banner-text">
                {banner.text}
              </Text>
            </ScrollArea.Autosize>
          </section>
        )}
        <TextInput
          label={text('field.username')}
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
          autoComplete="username webauthn"
          autoCapitalize="none"
          spellCheck={false}
          required
          autoFocus
        />
        <PasswordInput
          label={text('field.password')}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
        />
        {asksConsent && (
          <Checkbox
            label={text('sign-in.consent')}
            checked={consent}
            onChange={(event) => setConsent(event.currentTarget.checked)}
            required
          />
        )}
        <Button
          type="submit"
          loading={busy === 'password'}
          disabled={busy !== undefined || (asksConsent && !consent)}
          fullWidth
        >
          {text('sign-in.submit')}
        </Button>
        {passkeys && (
          <>
            <Divider label={text('factor.or')} />
            <Button
              variant="default"
              leftSection={<IconFingerprint size={18} aria-hidden />}
              loading={busy === 'passkey'}
              disabled={busy !== undefined || (asksConsent && !consent)}
              onClick={() =>
                void attempt('passkey', async () =>
                  api('loginWithPasskey', {
                    body: { passkey: await askPasskey(await api('startPasskeySignIn')), ...agreed },
                  }),
                )
              }
              fullWidth
            >
              {text('factor.sign-in-passkey')}
            </Button>
          </>
        )}
      </Stack>
    </form>
  );
}
