import { Button, Stack, Switch, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconUsersGroup, IconX } from '@tabler/icons-react';
import type { Group } from '@enchilada/contract';
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Listing } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { RowAction, Table } from '../components/table.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { AddButton, Page } from '../components/page.tsx';
import { MoreButton, pagesOf } from '../components/pages-of.tsx';
import { useText } from '../i18n/text.tsx';
import { SubjectSelect } from './subject-select.tsx';

export function PeopleGroupsPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'access.write');
  const [editing, setEditing] = useState<Group | 'new'>();
  const groups = useQuery({ queryKey: ['groups'], queryFn: ({ signal }) => api('listGroups', {}, { signal }) });
  const changed = (): Promise<unknown> =>
    Promise.all(['groups', 'users', 'members', 'subjects'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  const add = mayWrite && <AddButton label={text('groups.add')} onClick={() => setEditing('new')} />;
  return (
    <Page title={text('nav.people-groups')} actions={add}>
      <Listing
        query={groups}
        items={groups.data?.items ?? []}
        empty={
          <EmptyState icon={<IconUsersGroup size={22} />} title={text('groups.empty')} action={add}>
            {text('people-groups.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table columns={[text('field.name'), text('field.description'), { number: text('people-groups.members') }]}>
            {items.map((group) => (
              <tr key={group.id}>
                <td>
                  <button type="button" className="row-title" onClick={() => setEditing(group)}>
                    {group.name}
                  </button>
                </td>
                <td className="sub">{group.description}</td>
                <td className="number">{text.count('people-groups.count', group.members)}</td>
              </tr>
            ))}
          </Table>
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
    </Page>
  );
}

function GroupDrawer(props: {
  readonly group: Group | undefined;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onChanged: () => Promise<unknown>;
}) {
  const text = useText();
  const { group, readOnly } = props;
  const [name, setName] = useState(group?.name ?? '');
  const [description, setDescription] = useState(group?.description ?? '');
  const [requiresSecondFactor, setRequiresSecondFactor] = useState(group?.requiresSecondFactor ?? false);
  const save = useSave(async () => {
    const body = { name: name.trim(), description, requiresSecondFactor };
    if (group === undefined) await api('createGroup', { body });
    else await api('updateGroup', { params: { id: group.id }, body });
    await props.onChanged();
    props.onClose();
  });
  return (
    <FormDrawer
      title={group?.name ?? text('groups.add')}
      size={460}
      save={save}
      readOnly={readOnly}
      below={group !== undefined && <Members {...props} group={group} />}
      onClose={props.onClose}
    >
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
    </FormDrawer>
  );
}

function Members(props: {
  readonly group: Group;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onChanged: () => Promise<unknown>;
}) {
  const text = useText();
  const { group, readOnly } = props;
  const { id } = group;
  const [, run] = useAction();
  const [confirmation, ask] = useConfirm();
  const [filter, setFilter] = useState('');
  const [sought] = useDebouncedValue(filter.trim(), 200);
  const members = useInfiniteQuery({
    queryKey: ['members', id, sought],
    ...pagesOf((page, signal) =>
      api(
        'listMembers',
        { params: { id }, query: { ...page, ...(sought === '' ? {} : { text: sought }) } },
        { signal },
      ),
    ),
    placeholderData: keepPreviousData,
  });
  const shown = members.data?.pages.flatMap((page) => page.items) ?? [];
  const total = members.data?.pages[0]?.total ?? 0;
  const isLong = filter !== '' || members.hasNextPage || (members.data?.pages.length ?? 0) > 1;
  const act = (work: () => Promise<unknown>): void =>
    void run(async () => {
      await work();
      await props.onChanged();
    });
  return (
    <Stack mt="lg">
      <Title order={2}>{text('people-groups.members')}</Title>
      {isLong && (
        <TextInput
          label={text('people.search')}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      <Listing
        query={members}
        items={shown}
        empty={<p className="palette-none">{text(sought === '' ? 'people-groups.no-members' : 'people.none')}</p>}
      >
        {(items) => (
          <Table columns={[text('field.name')]} actions short>
            {items.map((member) => (
              <tr key={member.id}>
                <td>
                  {member.displayName === '' ? member.username : member.displayName}{' '}
                  <span className="sub">{member.username}</span>
                </td>
                <td className="actions">
                  {!readOnly && (
                    <RowAction
                      icon={IconX}
                      label={`${text('common.remove')} ${member.username}`}
                      onClick={() => act(() => api('removeMember', { params: { id, userId: member.id } }))}
                    />
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      {total > shown.length && (
        <p className="sub" role="status">
          {text('subjects.first-of', { shown: shown.length, total })}
        </p>
      )}
      <MoreButton query={members} />
      {!readOnly && (
        <>
          <SubjectSelect
            kind="user"
            label={text('people-groups.add-member')}
            value={null}
            outside={id}
            onChange={(userId) => {
              if (userId !== null) act(() => api('addMember', { params: { id }, body: { userId } }));
            }}
          />
          <Button
            variant="subtle"
            color="gray"
            onClick={() =>
              ask(
                removal(text, {
                  name: group.name,
                  body: text('people-groups.remove-body'),
                  run: async () => {
                    await api('deleteGroup', { params: { id } });
                    await props.onChanged();
                    props.onClose();
                  },
                }),
              )
            }
          >
            {text('people-groups.remove')}
          </Button>
        </>
      )}
      {confirmation}
    </Stack>
  );
}
