import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconUserPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { CopyField } from '../components/copy-field.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { Loading } from '../components/listing.tsx';
import { joinPath } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { BarTool } from './bar-frame.tsx';
import { isOver } from './session-view.ts';
import type { LiveSession } from './use-session.ts';

const MINUTES = ['15', '60', '240', '720'] as const;
const REFRESH_MS = 5_000;

/** The button by which the owner of a session has others look on, where their grants let them. */
export function SessionSharing({ live }: { readonly live: LiveSession }) {
  const text = useText();
  const [open, setOpen] = useState(false);
  const { session, view } = live;
  if (session?.mayShare !== true || !live.own || isOver(view)) return null;
  return (
    <>
      <BarTool icon={IconUserPlus} label={text('share.title')} onClick={() => setOpen(true)} />
      {open && <ShareDrawer sessionId={session.id} onClose={() => setOpen(false)} />}
    </>
  );
}

function ShareDrawer(props: { readonly sessionId: string; readonly onClose: () => void }) {
  const text = useText();
  const { sessionId } = props;
  const [username, setUsername] = useState('');
  const [minutes, setMinutes] = useState<string>(MINUTES[1]);
  const [fault, setFault] = useState<unknown>();
  const params = { id: sessionId };
  const open = useQuery({
    queryKey: ['invitations', sessionId],
    queryFn: ({ signal }) => api('listInvitations', { params }, { signal, background: true }),
    refetchInterval: REFRESH_MS,
  });
  const save = useSave(async () => {
    await api('createInvitation', { params, body: { username: username.trim(), minutes: Number(minutes) } });
    setUsername('');
    await open.refetch();
  });
  const withdraw = async (invitation: string): Promise<void> => {
    setFault(undefined);
    try {
      await api('deleteInvitation', { params: { id: sessionId, invitation } });
      await open.refetch();
    } catch (error) {
      setFault(error);
    }
  };
  const link = location.origin + joinPath(sessionId, 'watch');
  const invitations = open.data?.items ?? [];
  return (
    <FormDrawer
      title={text('share.title')}
      size={440}
      save={save}
      submit={text('share.invite')}
      ready={username.trim() !== ''}
      onClose={props.onClose}
      below={
        <Stack mt="lg" gap="xs">
          <Text size="sm" fw={600}>
            {text('share.invited')}
          </Text>
          {fault !== undefined && <FaultNotice error={fault} />}
          <Loading query={open} />
          {open.isSuccess && invitations.length === 0 && (
            <Text size="sm" c="dimmed">
              {text('share.nobody')}
            </Text>
          )}
          {invitations.map((one) => (
            <Group key={one.id} justify="space-between" wrap="nowrap">
              <span>
                <strong>{printable(one.username)}</strong>{' '}
                <span className="sub">{text('share.until', { time: text.clock(one.expiresAt) })}</span>
              </span>
              <Button
                size="xs"
                variant="default"
                aria-label={text('share.withdraw-name', { name: one.username })}
                onClick={() => void withdraw(one.id)}
              >
                {text('share.withdraw')}
              </Button>
            </Group>
          ))}
          {invitations.length > 0 && (
            <CopyField label={text('share.link')} description={text('share.link-help')} value={link} />
          )}
        </Stack>
      }
    >
      <Text size="sm">{text('share.help')}</Text>
      <TextInput
        label={text('share.username')}
        required
        maxLength={128}
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
        spellCheck={false}
        data-autofocus
      />
      <Select
        label={text('share.how-long')}
        allowDeselect={false}
        data={MINUTES.map((value) => ({ value, label: text(`share.minutes-${value}`) }))}
        value={minutes}
        onChange={(value) => setMinutes(value ?? MINUTES[1])}
      />
    </FormDrawer>
  );
}
