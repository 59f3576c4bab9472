import { ActionIcon, Button, Group, Menu, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import {
  IconDots,
  IconFileImport,
  IconFingerprint,
  IconPencil,
  IconSearch,
  IconServer2,
  IconTrash,
} from '@tabler/icons-react';
import type { Target } from '@enchilada/contract';
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { hostPort } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { Table } from '../components/table.tsx';
import { AddButton, Page } from '../components/page.tsx';
import { MoreButton, pagesOf } from '../components/pages-of.tsx';
import { useText } from '../i18n/text.tsx';
import { HostKeysDrawer } from './host-keys.tsx';
import { groupPath } from './machine-search.ts';
import { TargetForm } from './target-form.tsx';
import { TargetImportDrawer } from './target-import.tsx';

export function CatalogMachinesPage() {
  const text = useText();
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const search = usePlainSearch();
  const [query, setQuery] = useState('');
  const [asked] = useDebouncedValue(query.trim(), 200);
  const [confirmation, ask] = useConfirm();
  const [keysOf, setKeysOf] = useState<Target>();
  const mayWrite = can(me, 'catalog.write');
  const engines = useQuery({
    queryKey: ['engines'],
    queryFn: ({ signal }) => api('listEngines', {}, { signal }),
    staleTime: Infinity,
  });
  const groups = useQuery({
    queryKey: ['target-groups'],
    queryFn: ({ signal }) => api('listTargetGroups', {}, { signal }),
  });
  const targets = useInfiniteQuery({
    queryKey: ['targets', asked],
    ...pagesOf((page, signal) =>
      api('listTargets', { query: { ...page, ...(asked === '' ? {} : { text: asked }) } }, { signal }),
    ),
    placeholderData: keepPreviousData,
  });
  const items = targets.data?.pages.flatMap((page) => page.items) ?? [];
  const byId = useMemo(
    () => new Map((groups.data?.items ?? []).map((group) => [group.id, { ...group, machines: 0 }])),
    [groups.data],
  );
  const labels = new Map((engines.data?.items ?? []).map((engine) => [engine.id, engine]));
  const show = (state: Readonly<Record<string, string>>): void =>
    void navigate({ to: '/catalog/machines', search: state });
  const editing = items.find((target) => target.id === search['edit']);
  const changed = async (): Promise<void> => {
    show({});
    await Promise.all(
      ['targets', 'machines', 'machine-groups'].map((key) => client.invalidateQueries({ queryKey: [key] })),
    );
  };
  const remove = (target: Target): void =>
    ask(
      removal(text, {
        name: target.name,
        body: text('catalog.remove-body'),
        run: async () => {
          await api('deleteTarget', { params: { id: target.id }, query: { version: target.version } });
          await changed();
        },
      }),
    );

  const add = mayWrite && <AddButton label={text('catalog.add')} onClick={() => show({ add: '1' })} />;
  return (
    <Page
      title={text('nav.catalog-machines')}
      actions={
        mayWrite && (
          <>
            <Button
              variant="default"
              leftSection={<IconFileImport size={16} aria-hidden />}
              onClick={() => show({ import: '1' })}
            >
              {text('catalog.import')}
            </Button>
            {add}
          </>
        )
      }
    >
      <Group mb="sm">
        <TextInput
          className="search-field"
          leftSection={<IconSearch size={16} aria-hidden />}
          placeholder={text('catalog.search')}
          aria-label={text('catalog.search')}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        <span className="sub" role="status">
          {targets.data?.pages[0] !== undefined && text.count('machines.count', targets.data.pages[0].total)}
        </span>
      </Group>
      <Listing
        query={targets}
        items={items}
        empty={
          <EmptyState
            icon={<IconServer2 size={22} />}
            title={text(asked === '' ? 'catalog.empty' : 'machines.none-here')}
            action={asked === '' && add}
          >
            {text(asked === '' ? 'catalog.empty-body' : 'machines.no-match-body')}
          </EmptyState>
        }
      >
        {(rows) => (
          <Table
            columns={[
              text('field.name'),
              text('field.address'),
              text('field.protocol'),
              text('field.group'),
              text('catalog.changed'),
            ]}
            actions
          >
            {rows.map((target) => {
              const engine = labels.get(target.protocol);
              return (
                <tr key={target.id}>
                  <td>
                    <button type="button" className="row-title" onClick={() => show({ edit: target.id })}>
                      {printable(target.name)}
                    </button>
                  </td>
                  <td className="mono address">{target.builtIn ? text('machines.built-in') : hostPort(target)}</td>
                  <td>{engine === undefined ? target.protocol : text.of(engine.label)}</td>
                  <td>{groupPath(byId, target.groupId).join(' / ')}</td>
                  <td className="sub">
                    <Moment at={target.updatedAt} />
                  </td>
                  <td className="actions">
                    <Menu>
                      <Menu.Target>
                        <ActionIcon aria-label={text('machines.more', { name: target.name })}>
                          <IconDots size={16} aria-hidden />
                        </ActionIcon>
                      </Menu.Target>
                      <Menu.Dropdown>
                        <Menu.Item
                          leftSection={<IconPencil size={16} aria-hidden />}
                          onClick={() => show({ edit: target.id })}
                        >
                          {text('common.edit')}
                        </Menu.Item>
                        {engine?.hostKeys === true && (
                          <Menu.Item
                            leftSection={<IconFingerprint size={16} aria-hidden />}
                            onClick={() => setKeysOf(target)}
                          >
                            {text('host-keys.title')}
                          </Menu.Item>
                        )}
                        {mayWrite && (
                          <Menu.Item leftSection={<IconTrash size={16} aria-hidden />} onClick={() => remove(target)}>
                            {text('common.remove')}
                          </Menu.Item>
                        )}
                      </Menu.Dropdown>
                    </Menu>
                  </td>
                </tr>
              );
            })}
          </Table>
        )}
      </Listing>
      <MoreButton query={targets} />
      {engines.data !== undefined && (search['add'] === '1' || editing !== undefined) && (
        <TargetForm
          key={editing?.id ?? 'new'}
          target={editing}
          engines={engines.data.items}
          groups={byId}
          targets={items}
          readOnly={!mayWrite}
          onClose={() => show({})}
          onSaved={() => void changed()}
        />
      )}
      <TargetImportDrawer opened={search['import'] === '1'} onClose={() => show({})} onSaved={() => void changed()} />
      <HostKeysDrawer target={keysOf} mayWrite={mayWrite} onClose={() => setKeysOf(undefined)} />
      {confirmation}
    </Page>
  );
}
