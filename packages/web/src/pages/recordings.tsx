import { ActionIcon, Button, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDownload, IconMovie, IconPlayerPlay, IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, hrefOf } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { endOfDay, startOfDay } from '../components/days.ts';
import { Listing, Moment } from '../components/listing.tsx';
import { openTab } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import { clockText } from '../player/playback-clock.ts';

const TONES = { recording: 'warn', complete: 'ok', incomplete: 'warn', gapped: 'bad', retired: 'quiet' } as const;

export function RecordingsPage() {
  const text = useText();
  const me = useMe();
  const navigate = useNavigate();
  const search = useSearch({ strict: false });
  const [words, setWords] = useState(search['q'] ?? '');
  const [asked] = useDebouncedValue(words.trim(), 250);
  const set = (change: Readonly<Record<string, string>>): void =>
    void navigate({ to: '/recordings', search: { ...search, ...change }, replace: true });
  useEffect(() => {
    if (asked !== (search['q'] ?? '')) set({ q: asked });
  });
  const from = startOfDay(search['from']);
  const to = endOfDay(search['to']);
  const recordings = useInfiniteQuery({
    queryKey: ['recordings', asked, from, to],
    queryFn: ({ pageParam, signal }) =>
      api(
        'listRecordings',
        {
          query: {
            limit: 100,
            ...(asked === '' ? {} : { text: asked }),
            ...(from === undefined ? {} : { from }),
            ...(to === undefined ? {} : { to }),
            ...(pageParam === '' ? {} : { cursor: pageParam }),
          },
        },
        { signal },
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });
  return (
    <div className="page">
      <div className="page-head">
        <Title order={1}>{text('nav.recordings')}</Title>
      </div>
      <div className="filters" role="search">
        <TextInput
          w={300}
          maw="100%"
          label={text('recordings.search')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <TextInput
          type="date"
          label={text('filter.from')}
          value={search['from'] ?? ''}
          onChange={(event) => set({ from: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          label={text('filter.to')}
          value={search['to'] ?? ''}
          onChange={(event) => set({ to: event.currentTarget.value })}
        />
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
          <table className="table cards">
            <thead>
              <tr>
                <th>{text('field.machine')}</th>
                <th>{text('field.person')}</th>
                <th>{text('recordings.started')}</th>
                <th className="number">{text('recordings.length')}</th>
                <th className="number">{text('recordings.size')}</th>
                <th>{text('field.state')}</th>
                <th>
                  <span className="visually-hidden">{text('common.actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
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
                  <td className="number">{clockText(recording.durationMs)}</td>
                  <td className="number">{text.bytes(recording.storedBytes)}</td>
                  <td>
                    <span className="state" data-tone={TONES[recording.state]}>
                      {text(`recording-state.${recording.state}`)}
                    </span>
                  </td>
                  <td className="actions">
                    <ActionIcon
                      aria-label={text('recordings.play', { name: recording.target.name })}
                      onClick={() => openTab(`/r/${recording.id}`)}
                      disabled={recording.state === 'retired'}
                    >
                      <IconPlayerPlay size={16} aria-hidden />
                    </ActionIcon>
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
            </tbody>
          </table>
        )}
      </Listing>
      {recordings.hasNextPage && (
        <Button
          mt="sm"
          variant="default"
          loading={recordings.isFetchingNextPage}
          onClick={() => void recordings.fetchNextPage()}
        >
          {text('common.more')}
        </Button>
      )}
    </div>
  );
}
