import { ActionIcon, Button, TextInput, Title } from '@mantine/core';
import { useDebouncedValue, useDisclosure, useMediaQuery } from '@mantine/hooks';
import { IconFolder, IconFolders, IconPlus, IconSearch, IconServer2, IconX } from '@tabler/icons-react';
import type { Machine } from '@enchilada/contract';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import './machines.css';
import { api } from '../api/client.ts';
import { can, useMe, usePreferences } from '../api/me.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { EmptyState } from '../app/page-states.tsx';
import { Drawer } from '../components/layer.tsx';
import { openTab, sessionPath } from '../components/platform.ts';
import { useSteady } from '../components/use-steady.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { GroupTree } from './group-tree.tsx';
import { groupPath, groupTree, matches, searchWords } from './machine-search.ts';
import { RequestForm } from './request-form.tsx';
import { MachineDetails } from './machine-details.tsx';
import { asksFirst, MachineRows } from './machine-rows.tsx';
import { RowSkeletons } from './machine-table.tsx';

const REFRESH_MS = 3_000;
const PAGE = 200;
type Shelf = 'all' | 'recent' | 'favourite' | (string & {});

export function MachinesPage() {
  const text = useText();
  const me = useMe();
  const navigate = useNavigate();
  const search = usePlainSearch();
  const shelf: Shelf = search['in'] ?? 'all';
  const [query, setQuery] = useState(search['q'] ?? '');
  const [asked] = useDebouncedValue(query.trim(), 150);
  const words = useDeferredValue(useMemo(() => searchWords(query), [query]));
  const [treeOpen, tree] = useDisclosure(false);
  const [details, setDetails] = useState<Machine>();
  const [asking, setAsking] = useState<Machine>();
  const openOrAsk = useSteady((machine: Machine): void => {
    if (asksFirst(machine)) setAsking(machine);
    else openTab(sessionPath(machine.id));
  });
  const [preferences, setPreferences] = usePreferences();
  const favourites = useMemo(
    () =>
      String(preferences['favourites'] ?? '')
        .split(',')
        .filter((id) => id !== ''),
    [preferences],
  );
  const field = useRef<HTMLInputElement>(null);
  const small = useMediaQuery('(max-width: 639px)') ?? false;

  const groups = useQuery({
    queryKey: ['machine-groups'],
    queryFn: ({ signal }) => api('listMachineGroups', {}, { signal, background: true }),
    refetchInterval: REFRESH_MS,
  });
  const byId = useMemo(() => new Map((groups.data?.items ?? []).map((group) => [group.id, group])), [groups.data]);
  const recent = useQuery({
    queryKey: ['machines', 'recent'],
    queryFn: ({ signal }) => api('listRecentMachines', {}, { signal }),
  });
  const listed = useInfiniteQuery({
    queryKey: ['machines', 'list', shelf, asked, shelf === 'favourite' ? favourites.join(',') : ''],
    queryFn: ({ pageParam, signal }) =>
      api(
        'listMachines',
        {
          query: {
            limit: PAGE,
            ...(asked === '' ? {} : { text: asked }),
            ...(shelf === 'all' || shelf === 'recent'
              ? {}
              : shelf === 'favourite'
                ? { ids: favourites.join(',') }
                : { groupId: shelf }),
            ...(pageParam === '' ? {} : { cursor: pageParam }),
          },
        },
        { signal, background: true },
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    // Machines come and go by themselves. Who has scrolled far asks again by scrolling.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 2 ? REFRESH_MS : false),
    enabled: shelf !== 'recent' && (shelf !== 'favourite' || favourites.length > 0),
  });

  const machines = useMemo(() => {
    const loaded =
      shelf === 'recent'
        ? (recent.data?.items ?? [])
        : shelf === 'favourite' && favourites.length === 0
          ? []
          : (listed.data?.pages.flatMap((page) => page.items) ?? []);
    return loaded.filter((machine) => matches(machine, words, groupPath(byId, machine.groupId)));
  }, [shelf, recent.data, listed.data, favourites, words, byId]);
  const total =
    shelf === 'recent' || listed.isPlaceholderData || shelf === 'favourite'
      ? machines.length
      : (listed.data?.pages[0]?.total ?? 0);
  const pending = shelf === 'recent' ? recent.isPending : listed.isPending && listed.fetchStatus !== 'idle';

  const choose = useSteady((next: Shelf): void => {
    tree.close();
    void navigate({
      to: '/',
      search: { ...(next === 'all' ? {} : { in: next }), ...(query === '' ? {} : { q: query }) },
      replace: true,
    });
  });
  const toggleFavourite = useSteady((id: string): void => {
    const next = favourites.includes(id) ? favourites.filter((entry) => entry !== id) : [id, ...favourites];
    setPreferences({ favourites: next.slice(0, 40).join(',') });
  });
  const pathOf = useCallback((machine: Machine) => groupPath(byId, machine.groupId), [byId]);
  const fetchMore = useSteady((): void => {
    if (shelf !== 'recent' && listed.hasNextPage && !listed.isFetchingNextPage) void listed.fetchNextPage();
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (
        event.key !== '/' ||
        event.ctrlKey ||
        event.metaKey ||
        event.target instanceof HTMLInputElement ||
        event.target instanceof HTMLTextAreaElement
      )
        return;
      event.preventDefault();
      field.current?.focus();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  const nodes = useMemo(() => groupTree(groups.data?.items ?? []), [groups.data]);
  const nothingAtAll = shelf === 'all' && asked === '' && listed.data?.pages[0]?.total === 0;
  const sidebar = (
    <GroupTree
      nodes={nodes}
      chosen={shelf}
      onChoose={choose}
      recent={recent.data?.items.length ?? 0}
      favourites={favourites.length}
    />
  );
  const title =
    shelf === 'all'
      ? text('machines.all')
      : shelf === 'recent'
        ? text('machines.recent')
        : shelf === 'favourite'
          ? text('machines.favourites')
          : (byId.get(shelf)?.name ?? '');

  return (
    <div className="machines">
      <aside className="machines-side" aria-label={text('machines.groups')}>
        {sidebar}
      </aside>
      <Drawer opened={treeOpen} onClose={tree.close} position="left" size={300} title={text('machines.groups')}>
        {sidebar}
      </Drawer>
      <section className="machines-main">
        <Title order={1} className="visually-hidden">
          {text('nav.machines')}
        </Title>
        <div className="machines-search">
          <ActionIcon
            className="machines-tree-button"
            variant="default"
            onClick={tree.open}
            aria-label={text('machines.groups')}
          >
            <IconFolders size={18} aria-hidden />
          </ActionIcon>
          <TextInput
            ref={field}
            className="machines-field"
            type="search"
            size="md"
            autoFocus={!small}
            leftSection={<IconSearch size={18} aria-hidden />}
            rightSection={
              query !== '' && (
                <ActionIcon size="md" onClick={() => setQuery('')} aria-label={text('common.clear')}>
                  <IconX size={16} aria-hidden />
                </ActionIcon>
              )
            }
            placeholder={text('machines.search')}
            aria-label={text('machines.search-label')}
            value={query}
            onChange={(event) => setQuery(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && machines[0] !== undefined) openOrAsk(machines[0]);
              if (event.key === 'Escape') setQuery('');
            }}
          />
          {can(me, 'catalog.write') && (
            <Button
              component={Link}
              to="/catalog/machines?add=1"
              leftSection={<IconPlus size={16} aria-hidden />}
              size="md"
              className="machines-add"
            >
              {text('catalog.add')}
            </Button>
          )}
        </div>
        <div className="machines-count">
          <strong>{title}</strong>
          <span role="status" aria-live="polite">
            {pending ? '' : text.count('machines.count', total)}
          </span>
          {query !== '' && machines[0] !== undefined && (
            <span className="machines-hint">
              <kbd>Enter</kbd> {text('machines.opens', { name: machines[0].name })}
            </span>
          )}
        </div>
        {listed.isError && <FaultNotice error={listed.error} onRetry={() => void listed.refetch()} />}
        {pending && <RowSkeletons />}
        {!pending && machines.length === 0 && !listed.isError && (
          <div className="panel">
            {nothingAtAll ? (
              <NoMachines mayAdd={can(me, 'catalog.write')} />
            ) : (
              <NoMatch query={query} shelf={shelf} onClear={() => setQuery('')} />
            )}
          </div>
        )}
        {machines.length > 0 && (
          <MachineRows
            machines={machines}
            query={words}
            pathOf={pathOf}
            favourites={favourites}
            onFavourite={toggleFavourite}
            onDetails={setDetails}
            onOpen={openOrAsk}
            onAsk={setAsking}
            onNearEnd={fetchMore}
          />
        )}
      </section>
      <MachineDetails
        machine={details}
        path={groupPath(byId, details?.groupId)}
        onClose={() => setDetails(undefined)}
        onAsk={(machine) => {
          setDetails(undefined);
          setAsking(machine);
        }}
      />
      {asking !== undefined && <RequestForm machine={asking} onClose={() => setAsking(undefined)} />}
    </div>
  );
}

function NoMachines(props: { readonly mayAdd: boolean }) {
  const text = useText();
  return (
    <EmptyState
      icon={<IconServer2 size={22} />}
      title={text('machines.empty')}
      action={
        props.mayAdd ? (
          <Button component={Link} to="/first-run">
            {text('machines.empty-action')}
          </Button>
        ) : undefined
      }
    >
      {text(props.mayAdd ? 'machines.empty-administrator' : 'machines.empty-person')}
    </EmptyState>
  );
}

function NoMatch(props: { readonly query: string; readonly shelf: Shelf; readonly onClear: () => void }) {
  const text = useText();
  if (props.query === '') {
    return (
      <EmptyState icon={<IconFolder size={22} />} title={text('machines.none-here')}>
        {text(
          props.shelf === 'favourite'
            ? 'machines.none-favourite'
            : props.shelf === 'recent'
              ? 'machines.none-recent'
              : 'machines.none-group',
        )}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={<IconSearch size={22} />}
      title={text('machines.no-match', { query: props.query })}
      action={
        <Button variant="default" onClick={props.onClear}>
          {text('common.clear')}
        </Button>
      }
    >
      {text('machines.no-match-body')}
    </EmptyState>
  );
}
