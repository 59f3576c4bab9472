import {
  Alert,
  Button,
  Checkbox,
  Group,
  PasswordInput,
  ScrollArea,
  Skeleton,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { api } from '../api/client.ts';
import { meQuery } from '../api/me.ts';
import { Mark } from '../app/mark.tsx';
import { LanguageChoice } from '../components/language-choice.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { safeNext } from './safe-next.ts';

export function SignInPage() {
  const text = useText();
  const client = useQueryClient();
  const router = useRouter();
  const navigate = useNavigate();
  const { next } = useSearch({ strict: false });
  const facts = useQuery({ queryKey: ['sign-in'], queryFn: ({ signal }) => api('getSignIn', {}, { signal }) });
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [consent, setConsent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();
  const banner = facts.data?.banner;

  const signIn = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    try {
      const me = await api('login', { body: { username, password, ...(banner?.consent === true ? { consent } : {}) } });
      client.setQueryData(meQuery.queryKey, me);
      const path = safeNext(next);
      if (/^\/[sr]\//u.test(path)) location.assign(path);
      else router.history.push(path);
    } catch (error) {
      setFault(error);
      setPassword('');
      setBusy(false);
    }
  };

  return (
    <div className="door">
      <main className="door-card">
        <Group gap="sm" mb="lg">
          <Mark size={36} />
          <div>
            <Title order={1}>{text('sign-in.title')}</Title>
            <Text size="sm" c="dimmed">
              {text('sign-in.lead')}
            </Text>
          </div>
        </Group>
        {facts.isError && <FaultNotice error={facts.error} onRetry={() => void facts.refetch()} />}
        {facts.isPending && <Skeleton height={190} />}
        {facts.data?.bootstrapRequired === true && (
          <Alert icon={<IconInfoCircle aria-hidden size={18} />} color="gray" title={text('sign-in.no-administrator')}>
            {text('fault.BOOTSTRAP_REQUIRED.next')}
          </Alert>
        )}
        {facts.data?.bootstrapRequired === false && (
          <form onSubmit={(event) => void signIn(event)}>
            <Stack gap="md">
              {next !== undefined && fault === undefined && (
                <Text size="sm" c="dimmed" role="status">
                  {text('sign-in.continue')}
                </Text>
              )}
              {fault !== undefined && <FaultNotice error={fault} />}
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
                autoComplete="username"
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
                visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }}
                required
              />
              {banner?.consent === true && (
                <Checkbox
                  label={text('sign-in.consent')}
                  checked={consent}
                  onChange={(event) => setConsent(event.currentTarget.checked)}
                  required
                />
              )}
              <Button type="submit" loading={busy} disabled={banner?.consent === true && !consent} fullWidth>
                {text('sign-in.submit')}
              </Button>
            </Stack>
          </form>
        )}
        {facts.data?.bootstrapRequired === true && (
          <Button variant="default" mt="md" fullWidth onClick={() => void navigate({ to: '/welcome' })}>
            {text('sign-in.have-link')}
          </Button>
        )}
      </main>
      <LanguageChoice />
    </div>
  );
}
