import { Select, TextInput } from '@mantine/core';
import { IconFolder, IconFolders } from '@tabler/icons-react';
import type { TargetGroup } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Listing } from '../components/listing.tsx';
import { EditAction, RemoveAction, Table } from '../components/table.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { AddButton, Page } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';
import { groupPath, groupTree, type GroupNode, type GroupRow } from './machine-search.ts';

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
  const [confirmation, ask] = useConfirm();
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
  const remove = (group: Pick<TargetGroup, 'id' | 'name'>): void =>
    ask(
      removal(text, {
        name: group.name,
        body: text('groups.remove-body'),
        run: async () => {
          await api('deleteTargetGroup', { params: { id: group.id } });
          await changed();
        },
      }),
    );
  const add = mayWrite && (
    <AddButton label={text('groups.add')} onClick={() => setDraft({ id: undefined, name: '', parentId: '' })} />
  );
  return (
    <Page title={text('nav.catalog-groups')} lead={text('groups.lead')} actions={add}>
      <Listing
        query={groups}
        items={rows}
        empty={
          <EmptyState icon={<IconFolders size={22} />} title={text('groups.empty')} action={add}>
            {text('groups.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table columns={[text('field.name')]} actions short>
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
                      <EditAction
                        name={node.group.name}
                        onClick={() =>
                          setDraft({ id: node.group.id, name: node.group.name, parentId: node.group.parentId ?? '' })
                        }
                      />
                      <RemoveAction name={node.group.name} onClick={() => remove(node.group)} />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      {draft !== undefined && (
        <GroupForm
          key={draft.id ?? 'new'}
          draft={draft}
          byId={byId}
          onClose={() => setDraft(undefined)}
          onSaved={() => {
            setDraft(undefined);
            void changed();
          }}
        />
      )}
      {confirmation}
    </Page>
  );
}

function GroupForm(props: {
  readonly draft: Draft;
  readonly byId: ReadonlyMap<string, GroupRow>;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const text = useText();
  const { byId } = props;
  const [draft, setDraft] = useState(props.draft);
  const { id } = draft;
  const save = useSave(async () => {
    const body = { name: draft.name.trim(), ...(draft.parentId === '' ? {} : { parentId: draft.parentId }) };
    if (id === undefined) await api('createTargetGroup', { body });
    else await api('updateTargetGroup', { params: { id }, body });
    props.onSaved();
  });
  return (
    <FormDrawer
      title={id === undefined ? text('groups.add') : props.draft.name}
      size={480}
      save={save}
      onClose={props.onClose}
    >
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
          .filter((other) => other !== id)
          .map((other) => ({ value: other, label: groupPath(byId, other).join(' / ') }))}
        value={draft.parentId === '' ? null : draft.parentId}
        onChange={(parentId) => setDraft({ ...draft, parentId: parentId ?? '' })}
      />
    </FormDrawer>
  );
}
