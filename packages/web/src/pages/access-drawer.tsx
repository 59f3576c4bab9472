import { Alert, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { Drawer } from '../components/layer.tsx';
import { Listing } from '../components/listing.tsx';
import { Table } from '../components/table.tsx';
import { useText, type Text as Words } from '../i18n/text.tsx';
import type { GrantAction } from '@enchilada/core/access';
import { GrantSentence } from './grant-sentence.tsx';
import { MachineSelect } from './machine-select.tsx';
import { SubjectSelect } from './subject-select.tsx';

function actionWords(text: Words, actions: readonly GrantAction[]): string {
  const list = new Intl.ListFormat(text.language, { type: 'conjunction' });
  return list.format(actions.map((action) => text(`grant-action.${action}`)));
}

function momentQuery(at: number | undefined): { readonly at?: number } {
  return at === undefined ? {} : { at };
}

/** Who can reach a machine, and for one of them why, or why not; now, or at a past moment. */
export function AccessDrawer(props: { readonly onClose: () => void }) {
  const text = useText();
  const [targetId, setTargetId] = useState<string | null>(null);
  const [userId, setUserId] = useState<string | null>(null);
  const [address, setAddress] = useState('');
  const [moment, setMoment] = useState('');
  const at = moment === '' ? undefined : new Date(moment).getTime();
  return (
    <Drawer opened onClose={props.onClose} size={620} title={text('access.check')}>
      <Stack>
        <MachineSelect label={text('access.machine')} value={targetId} onChange={setTargetId} data-autofocus />
        <SubjectSelect
          kind="user"
          label={text('access.person')}
          clearable
          value={userId}
          onChange={setUserId}
          placeholder={text('access.everybody')}
        />
        <TextInput
          type="datetime-local"
          label={text('access.at')}
          description={text('access.at-help')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          value={moment}
          onChange={(event) => setMoment(event.currentTarget.value)}
        />
        {targetId !== null && userId === null && <Everybody targetId={targetId} at={at} onChoose={setUserId} />}
        {targetId !== null && userId !== null && (
          <>
            <TextInput
              label={text('access.address')}
              description={text('access.address-help')}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              spellCheck={false}
              value={address}
              onChange={(event) => setAddress(event.currentTarget.value)}
            />
            <Why targetId={targetId} userId={userId} at={at} address={address.trim()} />
          </>
        )}
      </Stack>
    </Drawer>
  );
}

function Everybody(props: {
  readonly targetId: string;
  readonly at: number | undefined;
  readonly onChoose: (userId: string) => void;
}) {
  const text = useText();
  const people = useQuery({
    queryKey: ['target-access', props.targetId, props.at],
    queryFn: ({ signal }) =>
      api('listTargetAccess', { params: { id: props.targetId }, query: momentQuery(props.at) }, { signal }),
  });
  return (
    <Listing
      query={people}
      items={people.data?.items ?? []}
      empty={<p className="palette-none">{text(props.at === undefined ? 'access.nobody' : 'access.nobody-then')}</p>}
    >
      {(items) => (
        <Table columns={[text('access.person'), text('grants.may')]} short>
          {items.map(({ userId, username, displayName, actions, conditional }) => (
            <tr key={userId}>
              <td>
                <button type="button" className="row-title" onClick={() => props.onChoose(userId)}>
                  {displayName === '' ? username : displayName}
                </button>
                {displayName !== username && <div className="sub">{username}</div>}
              </td>
              <td>
                {actionWords(text, actions)}
                {conditional && (
                  <div className="sub">
                    {text(props.at === undefined ? 'access.conditional' : 'access.conditional-then')}
                  </div>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Listing>
  );
}

function Why(props: {
  readonly targetId: string;
  readonly userId: string;
  readonly at: number | undefined;
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
