import { Alert, Button, Group, PasswordInput, Stack } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useState, type SyntheticEvent } from 'react';
import { api } from '../api/client.ts';
import { NewPasswordFields, useNewPassword } from '../components/new-password.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';

/** A directory that lets nobody in before they have a new password: changed there, then signed in with. */
export function ExpiredPassword(props: {
  readonly place: string;
  readonly username: string;
  readonly onChanged: (password: string) => Promise<void>;
  readonly onCancel: () => void;
}) {
  const text = useText();
  const [old, setOld] = useState('');
  const next = useNewPassword();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    try {
      const body = { username: props.username, password: old, next: next.value };
      await api('changeDirectoryPassword', { params: { id: props.place }, body });
      await props.onChanged(next.value);
    } catch (error) {
      setFault(error);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="md">
        <Alert color="gray" icon={<IconKey aria-hidden size={18} />} title={text('sign-in.expired-title')}>
          {text('sign-in.expired-lead', { name: props.username })}
        </Alert>
        {fault !== undefined && <FaultNotice error={fault} />}
        <PasswordInput
          label={text('me.current-password')}
          value={old}
          onChange={(event) => setOld(event.currentTarget.value)}
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }}
          required
          autoFocus
        />
        <NewPasswordFields password={next} />
        <Group grow>
          <Button variant="default" onClick={props.onCancel}>
            {text('common.cancel')}
          </Button>
          <Button type="submit" loading={busy} disabled={!next.isReady}>
            {text('sign-in.expired-submit')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
