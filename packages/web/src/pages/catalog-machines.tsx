import { Button, Group, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconFileImport, IconSearch, IconServer2 } from '@tabler/icons-react';
import type { Target } from '@enchilada/contract';
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { AddButton, Page } from '../components/page.tsx';
import { pagesOf } from '../components/pages-of.tsx';
import { useSteady } from '../components/use-steady.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { CatalogRows } from './catalog-rows.tsx';
import { HostKeysDrawer } from './host-keys.tsx';
import { groupPath } from './machine-search.ts';
import { RowSkeletons } from './machine-table.tsx';
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
  const items = useMemo(() => targets.data?.pages.flatMap((page) => page.items) ?? [], [targets.data]);
  const byId = useMemo(
    () => new Map((groups.data?.items ?? []).map((group) => [group.id, { ...group, machines: 0 }])),
    [groups.data],
  );
  const byProtocol = useMemo(
    () => new Map((engines.data?.items ?? []).map((engine) => [engine.id, engine])),
    [engines.data],
  );
  const pathOf = useCallback((target: Target) => groupPath(byId, target.groupId).join(' / '), [byId]);
  const show = (state: Readonly<Record<string, string>>): void =>
    void navigate({ to: '/catalog/machines', search: state });
  const edited = search['edit'];
  // A link may name a machine that is not among those that were listed.
  const linked = useQuery({
    queryKey: ['targets', 'one', edited],
    queryFn: ({ signal }) => api('getTarget', { params: { id: edited ?? '' } }, { signal }),
    enabled: edited !== undefined && targets.isSuccess && !items.some(({ id }) => id === edited),
  });
  const editing = edited === undefined ? undefined : (items.find(({ id }) => id === edited) ?? linked.data);
  const changed = async (): Promise<void> => {
    show({});
    await Promise.all(
      ['targets', 'machines', 'machine-groups'].map((key) => client.invalidateQueries({ queryKey: [key] })),
    );
  };
  const edit = useSteady((target: Target) => show({ edit: target.id }));
  const fetchMore = useSteady(() => {
    if (targets.hasNextPage && !targets.isFetchingNextPage) void targets.fetchNextPage();
  });
  const remove = useSteady((target: Target) =>
    ask(
      removal(text, {
        name: target.name,
        body: text('catalog.remove-body'),
        run: async () => {
          await api('deleteTarget', { params: { id: target.id }, query: { version: target.version } });
          await changed();
        },
      }),
    ),
  );

  const add = mayWrite && <AddButton label={text('catalog.add')} onClick={() => show({ add: '1' })} />;
  return (
    <Page
      fills
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
          onKeyDown={(event) => {
            if (event.key === 'Escape') setQuery('');
          }}
        />
        <span className="sub" role="status">
          {targets.data?.pages[0] !== undefined && text.count('machines.count', targets.data.pages[0].total)}
        </span>
      </Group>
      {targets.isError && <FaultNotice error={targets.error} onRetry={() => void targets.refetch()} />}
      {linked.isError && <FaultNotice error={linked.error} onRetry={() => void linked.refetch()} />}
      {targets.isPending && <RowSkeletons />}
      {targets.isSuccess && items.length === 0 && (
        <div className="panel">
          <EmptyState
            icon={<IconServer2 size={22} />}
            title={text(asked === '' ? 'catalog.empty' : 'machines.none-here')}
            action={asked === '' && add}
          >
            {text(asked === '' ? 'catalog.empty-body' : 'machines.no-match-body')}
          </EmptyState>
        </div>
      )}
      {items.length > 0 && (
        <CatalogRows
          machines={items}
          engines={byProtocol}
          pathOf={pathOf}
          mayWrite={mayWrite}
          onEdit={edit}
          onKeys={setKeysOf}
          onRemove={remove}
          onNearEnd={fetchMore}
        />
      )}
      {engines.data !== undefined && (search['add'] === '1' || editing !== undefined) && (
        <TargetForm
          key={editing?.id ?? 'new'}
          target={editing}
          engines={engines.data.items}
          groups={byId}
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
