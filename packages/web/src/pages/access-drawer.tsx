import { Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { Drawer } from '../components/layer.tsx';
import { Listing } from '../components/listing.tsx';
import { Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';
import { actionWords, momentQuery, Why } from './access-why.tsx';
import { MachineSelect } from './machine-select.tsx';
import { SubjectSelect } from './subject-select.tsx';

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
