import { Button, Checkbox, Divider, PasswordInput, ScrollArea, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import type { SignedIn, SignInFacts, SignInQuestion } from '@enchilada/contract';
import { useState, type SyntheticEvent } from 'react';
import { api } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { askPasskey } from '../second-factor/authenticator.ts';
import { FactorFault } from '../second-factor/factor-fault.tsx';
import { useText } from '../i18n/text.tsx';
import { ExpiredPassword } from './expired-password.tsx';
import { ProviderQuestion } from './provider-question.tsx';
import { HERE, rememberChoice } from './sign-in-choice.ts';

/** The first step of sign-in: name and password, or a passkey instead of both. */
export function PasswordForm(props: {
  readonly facts: SignInFacts;
  readonly isReturning: boolean;
  readonly hasFocus: boolean;
  /** The way that was chosen last in this browser. */
  readonly remembered: string | undefined;
  /** To the banner; asked for above the providers where there are any. */
  readonly agreement: {
    readonly given: boolean;
    readonly set: (given: boolean) => void;
    readonly isShownAbove: boolean;
  };
  readonly onSignedIn: (signedIn: SignedIn) => void;
}) {
  const text = useText();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const { given: consent, set: setConsent } = props.agreement;
  const directories = props.facts.providers.filter(({ way }) => way === 'password');
  const [place, setPlace] = useState(() => {
    const last = props.remembered;
    return directories.some(({ id }) => id === last) || last === HERE ? (last ?? HERE) : (directories[0]?.id ?? HERE);
  });
  const [isExpired, setIsExpired] = useState(false);
  const [question, setQuestion] = useState<SignInQuestion>();
  const [busy, setBusy] = useState<'password' | 'passkey'>();
  const [fault, setFault] = useState<unknown>();
  const { banner, passkeys } = props.facts;
  const asksConsent = banner?.consent === true;
  const agreed = asksConsent ? { consent } : {};
  const attempt = async (way: 'password' | 'passkey', act: () => Promise<SignedIn>): Promise<void> => {
    setBusy(way);
    setFault(undefined);
    try {
      const signedIn = await act();
      setQuestion(signedIn.question);
      if (signedIn.question === undefined) props.onSignedIn(signedIn);
      else setBusy(undefined);
    } catch (error) {
      setQuestion(undefined);
      if (error instanceof ApiFault && error.code === 'PASSWORD_EXPIRED') setIsExpired(true);
      else setFault(error);
      setPassword('');
      setBusy(undefined);
    }
  };
  const signIn = (answer?: { readonly ticket: string; readonly text: string }): void =>
    void attempt('password', async () => {
      const where = place === HERE ? {} : { providerId: place };
      const answered = answer === undefined ? {} : { answer };
      const signedIn = await api('login', { body: { username, password, ...where, ...answered, ...agreed } });
      if (directories.length > 0) rememberChoice(place);
      return signedIn;
    });
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    signIn();
  };
  if (question !== undefined)
    return (
      <ProviderQuestion
        key={question.ticket}
        question={question}
        username={username}
        isBusy={busy !== undefined}
        onAnswer={(answer) => signIn({ ticket: question.ticket, text: answer })}
        onCancel={() => {
          setQuestion(undefined);
          setPassword('');
        }}
      />
    );
  if (isExpired)
    return (
      <ExpiredPassword
        place={place}
        username={username}
        onCancel={() => setIsExpired(false)}
        onChanged={(next) =>
          api('login', { body: { username, password: next, providerId: place, ...agreed } }).then(props.onSignedIn)
        }
      />
    );
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
        {directories.length > 0 && (
          <Select
            label={text('sign-in.where')}
            allowDeselect={false}
            value={place}
            data={[
              ...directories.map(({ id, name }) => ({ value: id, label: name })),
              { value: HERE, label: text('sign-in.here') },
            ]}
            onChange={(id) => setPlace(id ?? HERE)}
          />
        )}
        <TextInput
          label={text('field.username')}
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
          autoComplete="username webauthn"
          autoCapitalize="none"
          spellCheck={false}
          required
          autoFocus={props.hasFocus}
        />
        <PasswordInput
          label={text('field.password')}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
        />
        {asksConsent && !props.agreement.isShownAbove && (
          <Checkbox
            label={text('sign-in.consent')}
            checked={consent}
            onChange={(event) => setConsent(event.currentTarget.checked)}
            required
          />
        )}
        <Button
          type="submit"
          variant={props.hasFocus ? 'filled' : 'default'}
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
