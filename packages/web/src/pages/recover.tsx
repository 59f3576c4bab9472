import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { meQuery } from '../api/me.ts';
import { LinkDoor, ToSignIn, useLinkToken } from '../components/door.tsx';
import { FormFault, useSave } from '../components/form.tsx';
import { NewPasswordFields, useNewPassword } from '../components/new-password.tsx';
import { useText } from '../i18n/text.tsx';

/** Where a recovery link leads. */
export function RecoverPage() {
  const text = useText();
  const client = useQueryClient();
  const token = useLinkToken();
  const password = useNewPassword();
  const [done, setDone] = useState(false);
  const link = useQuery({
    queryKey: ['recovery', token.value],
    queryFn: ({ signal }) => api('checkRecovery', { body: { token: token.value } }, { signal }),
    enabled: token.value !== '',
    retry: false,
    staleTime: Infinity,
    gcTime: 0,
  });
  const name = link.data?.username ?? '';
  const complete = useSave(async () => {
    await api('completeRecovery', { body: { token: token.value, password: password.value } });
    // Whoever was signed in here may be the person whose logins have just ended.
    client.removeQueries({ queryKey: meQuery.queryKey });
    setDone(true);
  });

  return (
    <LinkDoor
      title={text('recover.title')}
      lead={text('recover.lead')}
      help={text('recover.link-help')}
      token={token}
      problem={link.error}
    >
      {done && (
        <Stack>
          <Alert
            role="status"
            variant="default"
            icon={<IconCircleCheck aria-hidden size={18} />}
            title={text('recover.done')}
          >
            {text('recover.done-body', { name })}
          </Alert>
          <ToSignIn variant="filled" />
        </Stack>
      )}
      {link.isSuccess && !done && (
        <form onSubmit={complete.onSubmit}>
          <Stack gap="md">
            <FormFault save={complete} />
            <Text size="sm">{text('recover.for', { name })}</Text>
            {/* A password manager files the new password under this name. */}
            <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
            <NewPasswordFields password={password} />
            <Button type="submit" loading={complete.busy} disabled={!password.isReady}>
              {text('recover.submit')}
            </Button>
          </Stack>
        </form>
      )}
    </LinkDoor>
  );
}
