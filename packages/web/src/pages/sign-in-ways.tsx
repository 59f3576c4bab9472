import { Button, Checkbox, Divider, Stack, Text } from '@mantine/core';
import { IconLogin2 } from '@tabler/icons-react';
import type { SignedIn, SignInFacts } from '@enchilada/contract';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { PasswordForm } from './password-form.tsx';
import { safeNext } from './safe-next.ts';
import { lastChoice, rememberChoice, rememberedFirst } from './sign-in-choice.ts';

/** Every way through the door: a button for each provider that is elsewhere, and the form for names and passwords. */
export function SignInWays(props: {
  readonly facts: SignInFacts;
  readonly next: string | undefined;
  /** The person must prove themselves at a provider anew. */
  readonly isFresh: boolean;
  readonly onSignedIn: (signedIn: SignedIn) => void;
}) {
  const text = useText();
  const { facts } = props;
  const [remembered] = useState(() => lastChoice(facts.providers));
  const [leaving, setLeaving] = useState<string>();
  const [fault, setFault] = useState<unknown>();
  const [consent, setConsent] = useState(false);
  const elsewhere = rememberedFirst(
    facts.providers.filter(({ way }) => way !== 'password'),
    remembered,
  );
  const asksConsent = facts.banner?.consent === true;
  const leave = async ({ id, way }: SignInFacts['providers'][number]): Promise<void> => {
    setLeaving(id);
    setFault(undefined);
    try {
      const agreed = asksConsent ? { consent } : {};
      if (way === 'proxy') {
        const signedIn = await api('signInThroughProxy', { params: { id }, body: agreed });
        rememberChoice(id);
        props.onSignedIn(signedIn);
        return;
      }
      const body = { next: safeNext(props.next), ...agreed, ...(props.isFresh ? { fresh: true } : {}) };
      const { url } = await api('startProviderSignIn', { params: { id }, body });
      rememberChoice(id);
      location.assign(url);
    } catch (error) {
      setFault(error);
      setLeaving(undefined);
    }
  };
  const form = (
    <PasswordForm
      facts={facts}
      isReturning={props.next !== undefined && elsewhere.length === 0}
      hasFocus={elsewhere.length === 0}
      remembered={remembered}
      agreement={{ given: consent, set: setConsent, isShownAbove: elsewhere.length > 0 }}
      onSignedIn={props.onSignedIn}
    />
  );
  if (elsewhere.length === 0) return form;
  return (
    <Stack gap="md">
      {fault !== undefined && <FaultNotice error={fault} />}
      {props.next !== undefined && fault === undefined && (
        <Text size="sm" c="dimmed" role="status">
          {text('sign-in.continue')}
        </Text>
      )}
      {asksConsent && (
        <Checkbox
          label={text('sign-in.consent')}
          checked={consent}
          onChange={(event) => setConsent(event.currentTarget.checked)}
          required
        />
      )}
      {elsewhere.map((one, index) => (
        <div key={one.id}>
          <Button
            variant={index === 0 ? 'filled' : 'default'}
            leftSection={<IconLogin2 size={18} aria-hidden />}
            loading={leaving === one.id}
            disabled={leaving !== undefined || (asksConsent && !consent)}
            onClick={() => void leave(one)}
            fullWidth
          >
            {text('sign-in.with', { name: one.name })}
          </Button>
          {one.id === remembered && (
            <Text size="xs" c="dimmed" ta="center" mt={4}>
              {text('sign-in.last-used')}
            </Text>
          )}
        </div>
      ))}
      <Divider label={text('sign-in.or-password')} />
      {form}
    </Stack>
  );
}
