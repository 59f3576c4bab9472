import { Alert, Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
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

/** Where a recovery link leads. Its token stands in the fragment, which no log and no proxy sees, and leaves the address at once. */
export function RecoverPage() {
  const text = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [token, setToken] = useState(() => location.hash.slice(1));
  const [entered, setEntered] = useState('');
  const password = useNewPassword();
  const [state, setState] = useState<'open' | 'busy' | 'done'>('open');
  const [fault, setFault] = useState<unknown>();
  useEffect(() => {
    if (location.hash !== '') history.replaceState(history.state, '', location.pathname);
  }, []);
  const link = useQuery({
    queryKey: ['recovery', token],
    queryFn: ({ signal }) => api('checkRecovery', { body: { token } }, { signal }),
    enabled: token !== '',
    retry: false,
    staleTime: Infinity,
    gcTime: 0,
  });
  const name = link.data?.username ?? '';

  const complete = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setState('busy');
    setFault(undefined);
    try {
      await api('completeRecovery', { body: { token, password: password.value } });
      // Whoever was signed in here may be the person whose logins have just ended.
      client.removeQueries({ queryKey: meQuery.queryKey });
      setState('done');
    } catch (error) {
      setFault(error);
      setState('open');
    }
  };
  const toSignIn = (): void => void navigate({ to: '/sign-in', search: {} });

  return (
    <div className="door">
      <main className="door-card">
        <Group gap="sm" mb="lg" wrap="nowrap">
          <Mark size={36} />
          <div>
            <Title order={1}>{text('recover.title')}</Title>
            <Text size="sm" c="dimmed">
              {text('recover.lead')}
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
                description={text('recover.link-help')}
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
        {link.isError && (
          <Stack>
            <FaultNotice error={link.error} />
            <Button variant="default" onClick={toSignIn}>
              {text('welcome.to-sign-in')}
            </Button>
          </Stack>
        )}
        {state === 'done' && (
          <Stack>
            <Alert
              role="status"
              variant="default"
              icon={<IconCircleCheck aria-hidden size={18} />}
              title={text('recover.done')}
            >
              {text('recover.done-body', { name })}
            </Alert>
            <Button onClick={toSignIn} data-autofocus>
              {text('welcome.to-sign-in')}
            </Button>
          </Stack>
        )}
        {link.isSuccess && state !== 'done' && (
          <form onSubmit={(event) => void complete(event)}>
            <Stack gap="md">
              {fault !== undefined && <FaultNotice error={fault} />}
              <Text size="sm">{text('recover.for', { name })}</Text>
              {/* A password manager files the new password under this name. */}
              <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
              <NewPasswordFields password={password} />
              <Button type="submit" loading={state === 'busy'} disabled={!password.isReady}>
                {text('recover.submit')}
              </Button>
            </Stack>
          </form>
        )}
      </main>
      <LanguageChoice />
    </div>
  );
}
