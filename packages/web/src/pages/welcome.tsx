import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type FormEvent } from 'react';
import { api } from '../api/client.ts';
import { meQuery } from '../api/me.ts';
import { Mark } from '../app/mark.tsx';
import { LanguageChoice } from '../components/language-choice.tsx';
import { NewPasswordFields, useNewPassword } from '../components/new-password.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';

/** The one-time link: its token stands in the fragment, so that no log and no proxy ever sees it, and is taken out of the address at once. */
export function WelcomePage() {
  const text = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [token, setToken] = useState(() => location.hash.slice(1));
  const [entered, setEntered] = useState('');
  const [username, setUsername] = useState('admin');
  const [displayName, setDisplayName] = useState('');
  const password = useNewPassword();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();
  useEffect(() => {
    if (location.hash !== '') history.replaceState(history.state, '', location.pathname);
  }, []);
  const check = useQuery({
    queryKey: ['bootstrap', token],
    queryFn: async ({ signal }) => {
      await api('checkBootstrap', { body: { token } }, { signal });
      return true;
    },
    enabled: token !== '',
    retry: false,
    staleTime: Infinity,
  });

  const complete = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    try {
      client.setQueryData(
        meQuery.queryKey,
        await api('completeBootstrap', { body: { token, username, displayName, password: password.value } }),
      );
      await navigate({ to: '/first-run' });
    } catch (error) {
      setFault(error);
      setBusy(false);
    }
  };

  return (
    <div className="door">
      <main className="door-card">
        <Group gap="sm" mb="lg" wrap="nowrap">
          <Mark size={36} />
          <div>
            <Title order={1}>{text('welcome.title')}</Title>
            <Text size="sm" c="dimmed">
              {text('welcome.lead')}
            </Text>
          </div>
        </Group>
        {token === '' && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              setToken(entered.trim().replace(/^.*#/u, ''));
            }}
          >
            <Stack>
              <TextInput
                label={text('welcome.link')}
                description={text('welcome.link-help')}
                value={entered}
                onChange={(event) => setEntered(event.currentTarget.value)}
                required
                autoFocus
                autoComplete="off"
              />
              <Button type="submit">{text('welcome.use-link')}</Button>
            </Stack>
          </form>
        )}
        {check.isError && (
          <Stack>
            <FaultNotice error={check.error} />
            <Button variant="default" onClick={() => void navigate({ to: '/sign-in', search: {} })}>
              {text('welcome.to-sign-in')}
            </Button>
          </Stack>
        )}
        {check.data === true && (
          <form onSubmit={(event) => void complete(event)}>
            <Stack gap="md">
              {fault !== undefined && <FaultNotice error={fault} />}
              <TextInput
                label={text('field.username')}
                value={username}
                onChange={(event) => setUsername(event.currentTarget.value)}
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                required
              />
              <TextInput
                label={text('field.display-name')}
                value={displayName}
                onChange={(event) => setDisplayName(event.currentTarget.value)}
                autoComplete="name"
              />
              <NewPasswordFields password={password} />
              <Button type="submit" loading={busy} disabled={!password.isReady}>
                {text('welcome.submit')}
              </Button>
            </Stack>
          </form>
        )}
      </main>
      <LanguageChoice />
    </div>
  );
}
