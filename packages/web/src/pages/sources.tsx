import { Button } from '@mantine/core';
import { IconCloudSearch, IconHistory, IconListCheck } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Listing } from '../components/listing.tsx';
import { Page } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';
import { AddKind } from './kind-form.tsx';
import type { Source, SourceKind } from './source.ts';
import { SourceForm } from './source-form.tsx';
import { SourceNotices } from './source-notices.tsx';
import { RulesDrawer } from './source-rules.tsx';
import { ScopesDrawer } from './source-scopes.tsx';
import { SourceTable } from './source-table.tsx';
import { TimelineDrawer } from './source-timeline.tsx';

const REFRESH_MS = 5_000;

type Open =
  | { readonly what: 'form'; readonly source: Source | undefined; readonly kind: SourceKind }
  | { readonly what: 'scopes'; readonly source: Source }
  | { readonly what: 'timeline'; readonly source: Source | undefined }
  | { readonly what: 'rules' };

export function SourcesPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'catalog.write');
  const [open, setOpen] = useState<Open>();
  const [confirmation, ask] = useConfirm();
  const kinds = useQuery({
    queryKey: ['source-kinds'],
    queryFn: ({ signal }) => api('listSourceKinds', {}, { signal }),
    staleTime: Infinity,
  });
  const sources = useQuery({
    queryKey: ['sources'],
    queryFn: ({ signal }) => api('listSources', {}, { signal, background: true }),
    refetchInterval: REFRESH_MS,
  });
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['sources'] });
  const items = sources.data?.items ?? [];
  const remove = (source: Source): void =>
    ask(
      removal(text, {
        name: source.name,
        body: text('sources.remove-body'),
        run: async () => {
          await api('deleteSource', { params: { id: source.id } });
          await changed();
        },
      }),
    );
  const kindOf = (source: Source): SourceKind | undefined => kinds.data?.items.find(({ kind }) => kind === source.kind);
  const edit = (source: Source): void => {
    const kind = kindOf(source);
    if (kind !== undefined) setOpen({ what: 'form', source, kind });
  };
  const close = (): void => setOpen(undefined);
  const addSource = mayWrite && (
    <AddKind
      label={text('sources.add')}
      kinds={kinds.data?.items}
      onAdd={(kind) => setOpen({ what: 'form', source: undefined, kind })}
    />
  );
  return (
    <Page
      title={text('nav.sources')}
      lead={text('sources.lead')}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconHistory size={16} aria-hidden />}
            onClick={() => setOpen({ what: 'timeline', source: undefined })}
          >
            {text('sources.timeline')}
          </Button>
          <Button
            variant="default"
            leftSection={<IconListCheck size={16} aria-hidden />}
            onClick={() => setOpen({ what: 'rules' })}
          >
            {text('rules.title')}
          </Button>
          {addSource}
        </>
      }
    >
      <SourceNotices sources={items} onLook={(source) => setOpen({ what: 'scopes', source })} />
      <Listing
        query={sources}
        items={items}
        empty={
          <EmptyState icon={<IconCloudSearch size={22} />} title={text('sources.empty')} action={addSource}>
            {text('sources.empty-body')}
          </EmptyState>
        }
      >
        {(rows) => (
          <SourceTable
            sources={rows}
            kindOf={kindOf}
            readOnly={!mayWrite}
            onLook={(source) => setOpen({ what: 'scopes', source })}
            onEdit={edit}
            onRemove={remove}
            onSwept={changed}
          />
        )}
      </Listing>
      {open?.what === 'form' && (
        <SourceForm
          source={open.source}
          kind={open.kind}
          readOnly={!mayWrite}
          onClose={close}
          onSaved={() => {
            close();
            void changed();
          }}
        />
      )}
      {open?.what === 'scopes' && (
        <ScopesDrawer source={open.source} readOnly={!mayWrite} onClose={close} onChanged={() => void changed()} />
      )}
      {open?.what === 'timeline' && <TimelineDrawer source={open.source} onClose={close} />}
      {open?.what === 'rules' && <RulesDrawer sources={items} readOnly={!mayWrite} onClose={close} />}
      {confirmation}
    </Page>
  );
}
