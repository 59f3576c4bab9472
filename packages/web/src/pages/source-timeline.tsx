import { Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { Drawer } from '../components/layer.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { printable } from '../components/printable.ts';
import { Table } from '../components/table.tsx';
import { MoreButton, pagesOf } from '../components/pages-of.tsx';
import { useText } from '../i18n/text.tsx';
import type { Source } from './source.ts';

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
    ...pagesOf((page, signal) =>
      api('listDiscoveryChanges', { query: { ...query, ...page } }, { signal, background: true }),
    ),
    refetchInterval: REFRESH_MS,
  });
  const items = changes.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Drawer opened onClose={props.onClose} size={680} title={text('sources.timeline')}>
      <Stack>
        <Listing query={changes} items={items} empty={<Text p="md">{text('sources.timeline-empty')}</Text>}>
          {(rows) => (
            <Table columns={[text('audit.time'), text('field.machine'), text('sources.change'), text('sources.cause')]}>
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
            </Table>
          )}
        </Listing>
        <MoreButton query={changes} />
      </Stack>
    </Drawer>
  );
}
