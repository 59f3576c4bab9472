import { Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { Moment } from '../components/listing.tsx';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';

/** Which source found a machine, and which rules made it what it is; or that nothing keeps it up to date. */
export function MachineOrigin(props: { readonly id: string }) {
  const text = useText();
  const maySee = can(useMe(), 'catalog.read');
  const { data } = useQuery({
    queryKey: ['machine-origin', props.id],
    queryFn: ({ signal }) => api('explainTarget', { params: { id: props.id } }, { signal, background: true }),
    enabled: maySee,
    retry: false,
  });
  if (!maySee || data === undefined) return null;
  const title = (
    <Title order={3} size="h3">
      {text('origin.title')}
    </Title>
  );
  if (data.origin !== 'found')
    return (
      <Stack gap="xs">
        {title}
        <Text size="sm">{text(`origin.${data.origin}`)}</Text>
        <Text size="xs" c="dimmed">
          <Moment at={data.addedAt} />
        </Text>
      </Stack>
    );
  return (
    <Stack gap="xs">
      {title}
      <dl className="detail-list">
        <dt>{text('origin.found-by')}</dt>
        <dd>{printable(data.sourceName)}</dd>
        <dt>{text('origin.account')}</dt>
        <dd>
          {printable(data.accountName)}
          <div className="sub mono">
            {data.account} {data.region}
          </div>
        </dd>
        <dt>{text('origin.native')}</dt>
        <dd className="mono origin-id">{printable(data.machine)}</dd>
        <dt>{text('origin.state')}</dt>
        <dd>{data.state}</dd>
        <dt>{text('origin.first-seen')}</dt>
        <dd>
          <Moment at={data.firstSeenAt} />
        </dd>
        <dt>{text('origin.looked-at')}</dt>
        <dd>
          <Moment at={data.observedAt} />
        </dd>
        {data.launchedBy !== undefined && (
          <>
            <dt>{text('origin.launched-by')}</dt>
            <dd className="mono origin-id">{printable(data.launchedBy)}</dd>
          </>
        )}
        {data.missingSince !== undefined && (
          <>
            <dt>{text('origin.missing-since')}</dt>
            <dd>
              <Moment at={data.missingSince} />
            </dd>
          </>
        )}
        {data.changedByHand.length > 0 && (
          <>
            <dt>{text('origin.changed-by-hand')}</dt>
            <dd>{data.changedByHand.join(', ')}</dd>
          </>
        )}
        <dt>{text('origin.rules')}</dt>
        <dd>
          {data.trace.length === 0 && <Text size="sm">{text('origin.no-rules')}</Text>}
          {data.trace.map(({ field, rule, refusedBecauseOfTag }) => (
            <div key={`${field} ${rule}`}>
              <span className="mono">{field}</span>: {printable(rule)}
              {refusedBecauseOfTag !== undefined && (
                <div className="sub">{text('origin.refused', { tag: printable(refusedBecauseOfTag) })}</div>
              )}
            </div>
          ))}
        </dd>
      </dl>
    </Stack>
  );
}
