import { Button, Drawer, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { Listing, Moment } from '../components/listing.tsx';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import type { Source } from './sources.tsx';

const TONES = {
  appeared: 'ok',
  returned: 'ok',
  changed: 'quiet',
  placed: 'quiet',
  missing: 'warn',
  gone: 'bad',
} as const;
const REFRESH_MS = 5_000;

/** What discovery did, newest first. */
export function TimelineDrawer(props: { readonly source: Source | undefined; readonly onClose: () => void }) {
  const text = useText();
  const query = props.source === undefined ? {} : { sourceId: props.source.id };
  const changes = useInfiniteQuery({
    queryKey: ['discovery-changes', props.source?.id],
    queryFn: ({ pageParam, signal }) =>
      api(
        'listDiscoveryChanges',
        { query: { ...query, limit: 100, ...(pageParam === '' ? {} : { cursor: pageParam }) } },
        { signal, background: true },
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    refetchInterval: REFRESH_MS,
  });
  const items = changes.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Drawer
      opened
      onClose={props.onClose}
      size={680}
      title={text('sources.timeline')}
      closeButtonProps={{ 'aria-label': text('common.close') }}
    >
      <Stack>
        <Listing query={changes} items={items} empty={<Text p="md">{text('sources.timeline-empty')}</Text>}>
          {(rows) => (
            <table className="table cards">
              <thead>
                <tr>
                  <th>{text('audit.time')}</th>
                  <th>{text('field.machine')}</th>
                  <th>{text('sources.change')}</th>
                  <th>{text('sources.cause')}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((change) => (
                  <tr key={change.id}>
                    <td className="sub">
                      <Moment at={change.at} />
                    </td>
                    <td>
                      <strong>{printable(change.name || change.machine)}</strong>
                      <div className="sub mono">
                        {change.machine} {change.account} {change.region}
                      </div>
                    </td>
                    <td>
                      <span className="state" data-tone={TONES[change.kind]}>
                        {text(`change.${change.kind}`)}
                      </span>
                    </td>
                    <td className="sub">{text(`cause.${change.cause}`)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Listing>
        {changes.hasNextPage && (
          <Button variant="default" loading={changes.isFetchingNextPage} onClick={() => void changes.fetchNextPage()}>
            {text('common.more')}
          </Button>
        )}
      </Stack>
    </Drawer>
  );
}
