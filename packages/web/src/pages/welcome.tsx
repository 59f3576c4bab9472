import { Button, Stack, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { meQuery } from '../api/me.ts';
import { LinkDoor, useLinkToken } from '../components/door.tsx';
import { FormFault, useSave } from '../components/form.tsx';
import { NewPasswordFields, useNewPassword } from '../components/new-password.tsx';
import { useText } from '../i18n/text.tsx';

/** Where the link of the first start leads. */
export function WelcomePage() {
  const text = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const token = useLinkToken();
  const [username, setUsername] = useState('admin');
  const [displayName, setDisplayName] = useState('');
  const password = useNewPassword();
  const check = useQuery({
    queryKey: ['bootstrap', token.value],
    queryFn: async ({ signal }) => {
      await api('checkBootstrap', { body: { token: token.value } }, { signal });
      return true;
    },
    enabled: token.value !== '',
    retry: false,
    staleTime: Infinity,
  });
  const complete = useSave(async () => {
    const body = { token: token.value, username, displayName, password: password.value };
    client.setQueryData(meQuery.queryKey, await api('completeBootstrap', { body }));
    await navigate({ to: '/first-run' });
  });

  return (
    <LinkDoor
      title={text('welcome.title')}
      lead={text('welcome.lead')}
      help={text('welcome.link-help')}
      token={token}
      problem={check.error}
    >
      {check.isSuccess && (
        <form onSubmit={complete.onSubmit}>
          <Stack gap="md">
            <FormFault save={complete} />
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
            <Button type="submit" loading={complete.busy} disabled={!password.isReady}>
              {text('welcome.submit')}
            </Button>
          </Stack>
        </form>
      )}
    </LinkDoor>
  );
}
