import { Alert, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { Listing } from '../components/listing.tsx';
import { Table } from '../components/table.tsx';
import { useText, type Text as Words } from '../i18n/text.tsx';
import type { GrantAction } from '@enchilada/core/access';
import { GrantSentence } from './grant-sentence.tsx';

export function actionWords(text: Words, actions: readonly GrantAction[]): string {
  const list = new Intl.ListFormat(text.language, { type: 'conjunction' });
  return list.format(actions.map((action) => text(`grant-action.${action}`)));
}

export function momentQuery(at: number | undefined): { readonly at?: number } {
  return at === undefined ? {} : { at };
}

/** Why a person may, or may not, use a machine: every grant about both; now, or at a past moment. */
export function Why(props: {
  readonly targetId: string;
  readonly userId: string;
  readonly at: number | undefined;
  /** Where they come from; empty: from anywhere. */
  readonly address: string;
}) {
  const text = useText();
  const { address, at, targetId, userId } = props;
  const about = { targetId, userId, ...momentQuery(at) };
  const why = useQuery({
    queryKey: ['explanation', targetId, userId, at, address],
    queryFn: ({ signal }) =>
      api('explainAccess', { query: address === '' ? about : { ...about, address } }, { signal }),
    placeholderData: (before) => before,
  });
  const found = why.data;
  return (
    <>
      {found !== undefined && (
        <Title order={2} size="h3" role="status">
          {found.actions.length === 0
            ? text(at === undefined ? 'access.may-nothing' : 'access.may-nothing-then', {
                name: found.username,
                machine: found.targetName,
              })
            : text(at === undefined ? 'access.may' : 'access.may-then', {
                name: found.username,
                actions: actionWords(text, found.actions),
              })}
        </Title>
      )}
      {(found?.obstacles ?? []).map((obstacle) => (
        <Alert key={obstacle} color="yellow">
          {text(`access-obstacle.${obstacle}`)}
        </Alert>
      ))}
      <Listing
        query={why}
        items={found?.findings ?? []}
        empty={<p className="palette-none">{text('access.no-grant')}</p>}
      >
        {(items) => (
          <Table columns={[text('grants.grant'), text('field.state')]} short>
            {items.map(({ grant, counts, unmet }) => (
              <tr key={grant.id}>
                <td>
                  <GrantSentence grant={grant} />
                </td>
                <td>
                  <span className="state" data-tone={counts ? (grant.effect === 'deny' ? 'bad' : 'ok') : 'quiet'}>
                    {text(counts ? 'access.counts' : 'access.counts-not')}
                  </span>
                  {unmet.length > 0 && (
                    <Text size="xs" c="dimmed">
                      {unmet.map((one) => text(`access-unmet.${one}`)).join(', ')}
                    </Text>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
    </>
  );
}
