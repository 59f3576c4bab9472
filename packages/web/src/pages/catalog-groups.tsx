import { ActionIcon, Button, Drawer, Group, Select, Stack, TextInput, Title } from '@mantine/core';
import { IconFolder, IconFolders, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import type { TargetGroup } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { Confirm, type Confirmation } from '../components/confirm.tsx';
import { Listing } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { useText } from '../i18n/text.tsx';
import { groupPath, groupTree, type GroupNode } from './machine-search.ts';

interface Draft {
  readonly id: string | undefined;
  readonly name: string;
  readonly parentId: string;
}

function flattened(
  nodes: readonly GroupNode[],
  depth = 0,
): readonly { readonly node: GroupNode; readonly depth: number }[] {
  return nodes.flatMap((node) => [{ node, depth }, ...flattened(node.children, depth + 1)]);
}

export function CatalogGroupsPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'catalog.write');
  const [draft, setDraft] = useState<Draft>();
  const [confirmation, setConfirmation] = useState<Confirmation>();
  const [busy, run] = useAction();
  const groups = useQuery({
    queryKey: ['target-groups'],
    queryFn: ({ signal }) => api('listTargetGroups', {}, { signal }),
  });
  const byId = useMemo(
    () => new Map((groups.data?.items ?? []).map((group) => [group.id, { ...group, machines: 0 }])),
    [groups.data],
  );
  const rows = useMemo(() => flattened(groupTree([...byId.values()])), [byId]);
  const changed = async (): Promise<void> => {
    await Promise.all(
      ['target-groups', 'machine-groups', 'targets'].map((key) => client.invalidateQueries({ queryKey: [key] })),
    );
  };
  const save = (entry: Draft): Promise<boolean> =>
    run(async () => {
      const body = { name: entry.name.trim(), ...(entry.parentId === '' ? {} : { parentId: entry.parentId }) };
      if (entry.id === undefined) await api('createTargetGroup', { body });
      else await api('updateTargetGroup', { params: { id: entry.id }, body });
      await changed();
      setDraft(undefined);
    });
  const remove = (group: Pick<TargetGroup, 'id' | 'name'>): void =>
    setConfirmation({
      title: text('catalog.remove-title', { name: group.name }),
      body: text('groups.remove-body'),
      action: text('common.remove'),
      run: async () => {
        await api('deleteTargetGroup', { params: { id: group.id } });
        await changed();
      },
    });
  return (
    <div className="page">
      <div className="page-head">
        <Title order={1}>{text('nav.catalog-groups')}</Title>
        {mayWrite && (
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => setDraft({ id: undefined, name: '', parentId: '' })}
          >
            {text('groups.add')}
          </Button>
        )}
      </div>
      <p className="page-lead">{text('groups.lead')}</p>
      <Listing
        query={groups}
        items={rows}
        empty={
          <EmptyState icon={<IconFolders size={22} />} title={text('groups.empty')}>
            {text('groups.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <table className="table">
            <thead>
              <tr>
                <th>{text('field.name')}</th>
                <th>
                  <span className="visually-hidden">{text('common.actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map(({ node, depth }) => (
                <tr key={node.group.id}>
                  <td>
                    <span className="state" style={{ paddingInlineStart: depth * 20 }}>
                      <IconFolder size={16} aria-hidden /> {node.group.name}
                    </span>
                  </td>
                  <td className="actions">
                    {mayWrite && (
                      <>
                        <ActionIcon
                          aria-label={`${text('common.edit')} ${node.group.name}`}
                          onClick={() =>
                            setDraft({ id: node.group.id, name: node.group.name, parentId: node.group.parentId ?? '' })
                          }
                        >
                          <IconPencil size={16} aria-hidden />
                        </ActionIcon>
                        <ActionIcon
                          aria-label={`${text('common.remove')} ${node.group.name}`}
                          onClick={() => remove(node.group)}
                        >
                          <IconTrash size={16} aria-hidden />
                        </ActionIcon>
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Listing>
      <Drawer
        opened={draft !== undefined}
        onClose={() => setDraft(undefined)}
        title={text(draft?.id === undefined ? 'groups.add' : 'common.edit')}
        closeButtonProps={{ 'aria-label': text('common.close') }}
      >
        {draft !== undefined && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void save(draft);
            }}
          >
            <Stack>
              <TextInput
                label={text('field.name')}
                required
                maxLength={200}
                data-autofocus
                value={draft.name}
                onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
              />
              <Select
                label={text('groups.inside')}
                clearable
                searchable
                data={[...byId.keys()]
                  .filter((id) => id !== draft.id)
                  .map((id) => ({ value: id, label: groupPath(byId, id).join(' / ') }))}
                value={draft.parentId === '' ? null : draft.parentId}
                onChange={(id) => setDraft({ ...draft, parentId: id ?? '' })}
              />
              <Group justify="flex-end">
                <Button type="submit" loading={busy}>
                  {text('common.save')}
                </Button>
              </Group>
            </Stack>
          </form>
        )}
      </Drawer>
      <Confirm asked={confirmation} onClose={() => setConfirmation(undefined)} />
    </div>
  );
}
