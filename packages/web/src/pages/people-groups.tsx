import { ActionIcon, Button, Drawer, Group as Row, Select, Stack, Switch, Text, TextInput, Title } from '@mantine/core';
import { IconPlus, IconUsersGroup, IconX } from '@tabler/icons-react';
import type { Group } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { Confirm, type Confirmation } from '../components/confirm.tsx';
import { Listing } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { useText } from '../i18n/text.tsx';

export function PeopleGroupsPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'access.write');
  const [editing, setEditing] = useState<Group | 'new'>();
  const groups = useQuery({ queryKey: ['groups'], queryFn: ({ signal }) => api('listGroups', {}, { signal }) });
  const changed = (): Promise<unknown> =>
    Promise.all(['groups', 'users', 'members'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  return (
    <div className="page">
      <div className="page-head">
        <Title order={1}>{text('nav.people-groups')}</Title>
        {mayWrite && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
            {text('groups.add')}
          </Button>
        )}
      </div>
      <Listing
        query={groups}
        items={groups.data?.items ?? []}
        empty={
          <EmptyState icon={<IconUsersGroup size={22} />} title={text('groups.empty')}>
            {text('people-groups.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <table className="table cards">
            <thead>
              <tr>
                <th>{text('field.name')}</th>
                <th>{text('field.description')}</th>
                <th className="number">{text('people-groups.members')}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((group) => (
                <tr key={group.id}>
                  <td>
                    <button type="button" className="row-title" onClick={() => setEditing(group)}>
                      {group.name}
                    </button>
                  </td>
                  <td className="sub">{group.description}</td>
                  <td className="number">{text.number(group.members)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Listing>
      {editing !== undefined && (
        <GroupDrawer
          group={editing === 'new' ? undefined : editing}
          readOnly={!mayWrite}
          onClose={() => setEditing(undefined)}
          onChanged={changed}
        />
      )}
    </div>
  );
}

function GroupDrawer(props: {
  readonly group: Group | undefined;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onChanged: () => Promise<unknown>;
}) {
  const text = useText();
  const { group } = props;
  const id = group?.id ?? '';
  const [name, setName] = useState(group?.name ?? '');
  const [description, setDescription] = useState(group?.description ?? '');
  const [requiresSecondFactor, setRequiresSecondFactor] = useState(group?.requiresSecondFactor ?? false);
  const [busy, run] = useAction();
  const [confirmation, setConfirmation] = useState<Confirmation>();
  const members = useQuery({
    queryKey: ['members', id],
    queryFn: ({ signal }) => api('listMembers', { params: { id } }, { signal }),
    enabled: id !== '',
  });
  const users = useQuery({
    queryKey: ['users'],
    queryFn: ({ signal }) => api('listUsers', {}, { signal }),
    enabled: id !== '',
  });
  const inside = new Set((members.data?.items ?? []).map((member) => member.id));
  const act = (work: () => Promise<unknown>): Promise<boolean> =>
    run(async () => {
      await work();
      await props.onChanged();
    });
  return (
    <Drawer
      opened
      onClose={props.onClose}
      size={460}
      title={group?.name ?? text('groups.add')}
      closeButtonProps={{ 'aria-label': text('common.close') }}
    >
      <Stack>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const body = { name: name.trim(), description, requiresSecondFactor };
            void act(() =>
              group === undefined ? api('createGroup', { body }) : api('updateGroup', { params: { id }, body }),
            ).then((done) => {
              if (done) props.onClose();
            });
          }}
        >
          <fieldset className="form-group" disabled={props.readOnly}>
            <Stack>
              <TextInput
                label={text('field.name')}
                required
                maxLength={200}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                data-autofocus
              />
              <TextInput
                label={text('field.description')}
                maxLength={1000}
                value={description}
                onChange={(event) => setDescription(event.currentTarget.value)}
              />
              <Switch
                label={text('groups.requires-factor')}
                checked={requiresSecondFactor}
                onChange={(event) => setRequiresSecondFactor(event.currentTarget.checked)}
              />
              <Row justify="flex-end">
                <Button type="submit" loading={busy}>
                  {text('common.save')}
                </Button>
              </Row>
            </Stack>
          </fieldset>
        </form>
        {group !== undefined && (
          <>
            <Title order={2}>{text('people-groups.members')}</Title>
            <Listing
              query={members}
              items={members.data?.items ?? []}
              empty={<p className="palette-none">{text('people-groups.no-members')}</p>}
            >
              {(items) => (
                <table className="table">
                  <thead className="visually-hidden">
                    <tr>
                      <th>{text('field.name')}</th>
                      <th>{text('common.actions')}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {items.map((member) => (
                      <tr key={member.id}>
                        <td>
                          {member.displayName === '' ? member.username : member.displayName}{' '}
                          <span className="sub">{member.username}</span>
                        </td>
                        <td className="actions">
                          {!props.readOnly && (
                            <ActionIcon
                              aria-label={`${text('common.remove')} ${member.username}`}
                              onClick={() => void act(() => api('removeMember', { params: { id, userId: member.id } }))}
                            >
                              <IconX size={16} aria-hidden />
                            </ActionIcon>
                          )}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </Listing>
            {!props.readOnly && (
              <>
                <Select
                  label={text('people-groups.add-member')}
                  searchable
                  value={null}
                  data={(users.data?.items ?? [])
                    .filter((user) => !inside.has(user.id))
                    .map((user) => ({
                      value: user.id,
                      label: user.displayName === '' ? user.username : `${user.displayName} (${user.username})`,
                    }))}
                  onChange={(userId) => {
                    if (userId !== null) void act(() => api('addMember', { params: { id }, body: { userId } }));
                  }}
                />
                <Button
                  variant="subtle"
                  color="gray"
                  onClick={() =>
                    setConfirmation({
                      title: text('catalog.remove-title', { name: group.name }),
                      body: <Text size="sm">{text('people-groups.remove-body')}</Text>,
                      action: text('common.remove'),
                      run: async () => {
                        await api('deleteGroup', { params: { id } });
                        await props.onChanged();
                        props.onClose();
                      },
                    })
                  }
                >
                  {text('people-groups.remove')}
                </Button>
              </>
            )}
          </>
        )}
      </Stack>
      <Confirm asked={confirmation} onClose={() => setConfirmation(undefined)} />
    </Drawer>
  );
}
