import { Button, PasswordInput, Select, Stack, Switch, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconSearch, IconUsers } from '@tabler/icons-react';
import type { User } from '@enchilada/contract';
import { ROLES } from '@enchilada/core/identity';
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { Table } from '../components/table.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { AddButton, Page } from '../components/page.tsx';
import { MoreButton, pagesOf } from '../components/pages-of.tsx';
import { useText } from '../i18n/text.tsx';
import { ServiceTokens } from '../second-factor/own-tokens.tsx';
import { SubjectsSelect } from './subject-select.tsx';

export function PeoplePage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'access.write');
  const [editing, setEditing] = useState<User | 'new'>();
  const [filter, setFilter] = useState('');
  const [sought] = useDebouncedValue(filter.trim(), 200);
  const users = useInfiniteQuery({
    queryKey: ['users', sought],
    ...pagesOf((page, signal) =>
      api('listUsers', { query: { ...page, ...(sought === '' ? {} : { text: sought }) } }, { signal }),
    ),
    placeholderData: keepPreviousData,
  });
  const groups = useQuery({ queryKey: ['groups'], queryFn: ({ signal }) => api('listGroups', {}, { signal }) });
  const names = new Map((groups.data?.items ?? []).map((group) => [group.id, group.name]));
  const shown = users.data?.pages.flatMap((page) => page.items) ?? [];
  const total = users.data?.pages[0]?.total ?? 0;
  return (
    <Page
      title={text('nav.people')}
      actions={mayWrite && <AddButton label={text('people.add')} onClick={() => setEditing('new')} />}
    >
      <TextInput
        mb="sm"
        className="search-field"
        leftSection={<IconSearch size={16} aria-hidden />}
        placeholder={text('people.search')}
        aria-label={text('people.search')}
        value={filter}
        onChange={(event) => setFilter(event.currentTarget.value)}
      />
      <Listing
        query={users}
        items={shown}
        empty={
          <EmptyState icon={<IconUsers size={22} />} title={text('machines.none-here')}>
            {text('people.none')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table
            columns={[
              text('field.name'),
              text('people.role'),
              text('nav.people-groups'),
              text('people.last-login'),
              text('people.state'),
            ]}
          >
            {items.map((user) => (
              <tr key={user.id}>
                <td>
                  <button type="button" className="row-title" onClick={() => setEditing(user)}>
                    {user.displayName === '' ? user.username : user.displayName}
                  </button>
                  <div className="sub">
                    {user.username}
                    {user.service && ` · ${text('people.service')}`}
                  </div>
                </td>
                <td>{text(`role.${user.role}`)}</td>
                <td>
                  {user.groupIds
                    .map((id) => names.get(id) ?? '')
                    .filter((name) => name !== '')
                    .join(', ')}
                </td>
                <td className="sub">
                  <Moment at={user.lastLoginAt} />
                  {user.factors > 0 && <div>{text.count('factor.count', user.factors)}</div>}
                </td>
                <td>
                  <span className="state" data-tone={user.disabled ? 'warn' : 'quiet'}>
                    {text(user.disabled ? 'people.disabled' : user.breakGlass ? 'people.break-glass' : 'people.active')}
                  </span>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      <p className="sub" role="status">
        {total > shown.length
          ? text('subjects.first-of', { shown: shown.length, total })
          : text.count('subjects.found', total)}
      </p>
      <MoreButton query={users} />
      {editing !== undefined && (
        <PersonForm
          user={editing === 'new' ? undefined : editing}
          readOnly={!mayWrite}
          onClose={() => setEditing(undefined)}
          onSaved={() => {
            setEditing(undefined);
            void client.invalidateQueries({ queryKey: ['users'] });
          }}
        />
      )}
    </Page>
  );
}

interface PersonFormProps {
  readonly user: User | undefined;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

function PersonForm(props: PersonFormProps) {
  const text = useText();
  const { user } = props;
  const [draft, setDraft] = useState({
    username: user?.username ?? '',
    displayName: user?.displayName ?? '',
    role: user?.role ?? 'user',
    disabled: user?.disabled ?? false,
    groupIds: user?.groupIds ?? [],
    service: user?.service ?? false,
  });
  const [password, setPassword] = useState('');
  const [confirmation, ask] = useConfirm();
  const set = (change: Partial<typeof draft>): void => setDraft({ ...draft, ...change });
  const save = useSave(async () => {
    const { disabled, service, ...rest } = draft;
    if (user === undefined)
      await api('createUser', {
        body: { ...rest, ...(service ? { service } : password === '' ? {} : { password }) },
      });
    else {
      await api('updateUser', { params: { id: user.id }, body: { ...rest, disabled, version: user.version } });
      if (password !== '') {
        await api('setUserPassword', { params: { id: user.id }, body: { password } });
        notifications.show({ message: text('people.password-set'), color: 'green' });
      }
    }
    props.onSaved();
  });
  return (
    <FormDrawer
      title={user?.username ?? text('people.add')}
      size={user?.service === true ? 720 : 460}
      save={save}
      readOnly={props.readOnly}
      aside={
        user !== undefined && (
          <Button
            variant="subtle"
            color="gray"
            onClick={() =>
              ask(
                removal(text, {
                  name: user.username,
                  body: text('people.remove-body'),
                  run: async () => {
                    await api('deleteUser', { params: { id: user.id }, query: { version: user.version } });
                    props.onSaved();
                  },
                }),
              )
            }
          >
            {text('common.remove')}
          </Button>
        )
      }
      below={
        <>
          {confirmation}
          {user?.service === true && (
            <Stack mt="lg" gap="sm">
              <Title order={3}>{text('tokens.title')}</Title>
              <ServiceTokens user={user} />
            </Stack>
          )}
        </>
      }
      onClose={props.onClose}
    >
      <TextInput
        label={text('field.username')}
        required
        maxLength={128}
        autoComplete="off"
        spellCheck={false}
        autoCapitalize="none"
        value={draft.username}
        onChange={(event) => set({ username: event.currentTarget.value })}
        data-autofocus
      />
      <TextInput
        label={text('field.display-name')}
        maxLength={200}
        autoComplete="off"
        value={draft.displayName}
        onChange={(event) => set({ displayName: event.currentTarget.value })}
      />
      <Select
        label={text('people.role')}
        description={text(`role.${draft.role}.help`)}
        allowDeselect={false}
        data={ROLES.map((role) => ({ value: role, label: text(`role.${role}`) }))}
        value={draft.role}
        onChange={(role) => set({ role: role ?? 'user' })}
      />
      <SubjectsSelect
        kind="group"
        label={text('nav.people-groups')}
        value={draft.groupIds}
        onChange={(groupIds) => set({ groupIds })}
      />
      {user === undefined && (
        <Switch
          label={text('people.service')}
          description={text('people.service-help')}
          checked={draft.service}
          onChange={(event) => set({ service: event.currentTarget.checked })}
        />
      )}
      {!draft.service && (
        <PasswordInput
          label={text(user === undefined ? 'field.password' : 'people.new-password')}
          description={user === undefined ? text('field.password-help') : text('people.new-password-help')}
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
      )}
      {user !== undefined && user.factors > 0 && !props.readOnly && (
        <Button
          variant="default"
          onClick={() =>
            ask({
              title: text('factor.reset-title', { name: user.username }),
              body: text('factor.reset-body'),
              action: text('factor.reset'),
              run: async () => {
                await api('resetFactors', { params: { id: user.id } });
                props.onSaved();
              },
            })
          }
        >
          {text('factor.reset')}
        </Button>
      )}
      {user !== undefined && (
        <Switch
          label={text('people.disable')}
          description={text('people.disable-help')}
          checked={draft.disabled}
          onChange={(event) => set({ disabled: event.currentTarget.checked })}
        />
      )}
    </FormDrawer>
  );
}
