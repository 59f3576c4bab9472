import { Button, Divider, PasswordInput, Stack, TextInput } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import type { Factors } from '@enchilada/contract';
import { useState, type SyntheticEvent } from 'react';
import { api } from '../api/client.ts';
import type { Me } from '../api/me.ts';
import { useText } from '../i18n/text.tsx';
import { askPasskey } from './authenticator.ts';
import { FactorFault } from './factor-fault.tsx';

type Answer = { readonly code: string } | { readonly password: string } | 'passkey';

/** Asks for what the person has: a passkey, a code, a recovery code; the password where they have nothing else. */
export function FactorChallenge(props: { readonly factors: Factors; readonly onProved: (me: Me) => void }) {
  const text = useText();
  const { items, recoveryCodes, passkeys } = props.factors;
  const hasPasskey = passkeys && items.some(({ kind }) => kind === 'passkey');
  const hasApp = items.some(({ kind }) => kind === 'totp');
  const [recovery, setRecovery] = useState(!hasApp && !hasPasskey && recoveryCodes > 0);
  const [typed, setTyped] = useState('');
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState<'passkey' | 'typed'>();

  const give = async (answer: Answer): Promise<void> => {
    setBusy(answer === 'passkey' ? 'passkey' : 'typed');
    setFault(undefined);
    try {
      const body = answer === 'passkey' ? { passkey: await askPasskey(await api('startPasskeyProof')) } : answer;
      const { me } = await api('prove', { body });
      if (me !== undefined) props.onProved(me);
    } catch (error) {
      setFault(error);
      setTyped('');
    }
    setBusy(undefined);
  };
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void give(items.length === 0 ? { password: typed } : { code: typed });
  };

  if (items.length === 0)
    return (
      <form onSubmit={submit}>
        <Stack>
          <FactorFault error={fault} />
          <PasswordInput
            label={text('field.password')}
            autoComplete="current-password"
            required
            autoFocus
            data-autofocus
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button type="submit" loading={busy !== undefined} fullWidth>
            {text('factor.confirm')}
          </Button>
        </Stack>
      </form>
    );
  return (
    <Stack>
      <FactorFault error={fault} />
      {hasPasskey && (
        <Button
          leftSection={<IconFingerprint size={18} aria-hidden />}
          loading={busy === 'passkey'}
          disabled={busy !== undefined}
          onClick={() => void give('passkey')}
          autoFocus
          data-autofocus
          fullWidth
        >
          {text('factor.use-passkey')}
        </Button>
      )}
      {(hasApp || recovery) && (
        <>
          {hasPasskey && <Divider label={text('factor.or')} />}
          <form onSubmit={submit}>
            <Stack>
              <TextInput
                key={String(recovery)}
                label={text(recovery ? 'factor.recovery-code' : 'factor.code')}
                className="code-input"
                inputMode={recovery ? 'text' : 'numeric'}
                autoComplete={recovery ? 'off' : 'one-time-code'}
                autoCapitalize="none"
                spellCheck={false}
                maxLength={40}
                required
                autoFocus={!hasPasskey}
                value={typed}
                onChange={(event) => setTyped(event.currentTarget.value)}
              />
              <Button
                type="submit"
                variant={hasPasskey ? 'default' : 'filled'}
                loading={busy === 'typed'}
                disabled={busy !== undefined}
                fullWidth
              >
                {text('factor.confirm')}
              </Button>
            </Stack>
          </form>
        </>
      )}
      {recoveryCodes > 0 && (
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          onClick={() => {
            setRecovery(!recovery);
            setTyped('');
          }}
        >
          {text(recovery ? 'factor.use-code' : 'factor.use-recovery')}
        </Button>
      )}
    </Stack>
  );
}
