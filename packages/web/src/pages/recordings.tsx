import { ActionIcon, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDownload, IconMovie, IconPlayerPlay, IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, hrefOf } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { EmptyState } from '../app/page-states.tsx';
import { endOfDay, startOfDay } from '../components/days.ts';
import { Listing, Moment } from '../components/listing.tsx';
import { openTab } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { RowAction, Table } from '../components/table.tsx';
import { DayFilter, Page } from '../components/page.tsx';
import { MoreButton, pagesOf } from '../components/pages-of.tsx';
import { useText } from '../i18n/text.tsx';
import { clockText } from '../player/playback-clock.ts';

const TONES = { recording: 'warn', complete: 'ok', incomplete: 'warn', gapped: 'bad', retired: 'quiet' } as const;

export function RecordingsPage() {
  const text = useText();
  const me = useMe();
  const navigate = useNavigate();
  const search = usePlainSearch();
  const [words, setWords] = useState(search['q'] ?? '');
  const [asked] = useDebouncedValue(words.trim(), 250);
  const set = (change: Readonly<Record<string, string>>): void =>
    void navigate({ to: '/recordings', search: { ...search, ...change }, replace: true });
  useEffect(() => {
    if (asked !== (search['q'] ?? '')) set({ q: asked });
  });
  const from = startOfDay(search['from']);
  const to = endOfDay(search['to']);
  const filter = {
    ...(asked === '' ? {} : { text: asked }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  const recordings = useInfiniteQuery({
    queryKey: ['recordings', filter],
    ...pagesOf((page, signal) => api('listRecordings', { query: { ...page, ...filter } }, { signal })),
    placeholderData: keepPreviousData,
  });
  return (
    <Page title={text('nav.recordings')}>
      <div className="filters" role="search">
        <TextInput
          className="search-field wide"
          label={text('recordings.search')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <DayFilter search={search} onChange={set} />
      </div>
      <Listing
        query={recordings}
        items={recordings.data?.pages.flatMap((page) => page.items) ?? []}
        empty={
          <EmptyState icon={<IconMovie size={22} />} title={text('recordings.empty')}>
            {text('recordings.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table
            columns={[
              text('field.machine'),
              text('field.person'),
              text('recordings.started'),
              { number: text('recordings.length') },
              { number: text('recordings.size') },
              text('field.state'),
            ]}
            actions
          >
            {items.map((recording) => (
              <tr key={recording.id}>
                <td>
                  <button type="button" className="row-title" onClick={() => openTab(`/r/${recording.id}`)}>
                    {printable(recording.target.name)}
                  </button>
                </td>
                <td>{recording.user.username}</td>
                <td className="sub">
                  <Moment at={recording.startedAt} />
                </td>
                <td className="number" data-label={text('recordings.length')}>
                  {clockText(recording.durationMs)}
                </td>
                <td className="number" data-label={text('recordings.size')}>
                  {text.bytes(recording.storedBytes)}
                </td>
                <td>
                  <span className="state" data-tone={TONES[recording.state]}>
                    {text(`recording-state.${recording.state}`)}
                  </span>
                </td>
                <td className="actions">
                  <RowAction
                    icon={IconPlayerPlay}
                    label={text('recordings.play', { name: recording.target.name })}
                    onClick={() => openTab(`/r/${recording.id}`)}
                    disabled={recording.state === 'retired'}
                  />
                  {can(me, 'recording.read') && recording.state !== 'retired' && (
                    <ActionIcon
                      component="a"
                      href={hrefOf('downloadRecording', { params: { id: recording.id } })}
                      download
                      aria-label={text('recordings.download', { name: recording.target.name })}
                    >
                      <IconDownload size={16} aria-hidden />
                    </ActionIcon>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      <MoreButton query={recordings} />
    </Page>
  );
}
