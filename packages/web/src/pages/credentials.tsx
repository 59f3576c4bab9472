import {
  ActionIcon,
  Alert,
  Button,
  Drawer,
  Group,
  PasswordInput,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import { IconKey, IconLock, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import type { Credential } from '@enchilada/contract';
import { CREDENTIAL_KINDS, type CredentialKind } from '@enchilada/core/credential';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { Confirm, type Confirmation } from '../components/confirm.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';

export function CredentialsPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'credential.write');
  const [editing, setEditing] = useState<Credential | 'new'>();
  const [confirmation, setConfirmation] = useState<Confirmation>();
  const credentials = useQuery({
    queryKey: ['credentials'],
    queryFn: ({ signal }) => api('listCredentials', {}, { signal }),
  });
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['credentials'] });
  const remove = (credential: Credential): void =>
    setConfirmation({
      title: text('catalog.remove-title', { name: credential.name }),
      body: text('credentials.remove-body'),
      action: text('common.remove'),
      run: async () => {
        await api('deleteCredential', { params: { id: credential.id } });
        await changed();
      },
    });
  return (
    <div className="page">
      <div className="page-head">
        <Title order={1}>{text('nav.credentials')}</Title>
        {mayWrite && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
            {text('credentials.add')}
          </Button>
        )}
      </div>
      <p className="page-lead">{text('credentials.lead')}</p>
      <Listing
        query={credentials}
        items={credentials.data?.items ?? []}
        empty={
          <EmptyState icon={<IconKey size={22} />} title={text('credentials.empty')}>
            {text('credentials.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <table className="table cards">
            <thead>
              <tr>
                <th>{text('field.name')}</th>
                <th>{text('credentials.kind')}</th>
                <th>{text('field.username')}</th>
                <th className="number">{text('credentials.used-by')}</th>
                <th>{text('catalog.changed')}</th>
                <th>
                  <span className="visually-hidden">{text('common.actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((credential) => (
                <tr key={credential.id}>
                  <td>
                    <button type="button" className="row-title" onClick={() => setEditing(credential)}>
                      {credential.name}
                    </button>
                    {credential.publicFingerprint !== undefined && (
                      <div className="sub mono">{credential.publicFingerprint}</div>
                    )}
                  </td>
                  <td>{text(`credential-kind.${credential.kind}`)}</td>
                  <td className="mono">{credential.username}</td>
                  <td className="number">{text.count('machines.count', credential.targets)}</td>
                  <td className="sub">
                    <Moment at={credential.updatedAt} />
                  </td>
                  <td className="actions">
                    {mayWrite && (
                      <>
                        <ActionIcon
                          aria-label={`${text('common.edit')} ${credential.name}`}
                          onClick={() => setEditing(credential)}
                        >
                          <IconPencil size={16} aria-hidden />
                        </ActionIcon>
                        <ActionIcon
                          aria-label={`${text('common.remove')} ${credential.name}`}
                          onClick={() => remove(credential)}
                        >
                          <IconTrash size={16} aria-hidden />
                        </ActionIcon>
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Listing>
      {editing !== undefined && (
        <CredentialForm
          credential={editing === 'new' ? undefined : editing}
          readOnly={!mayWrite}
          onClose={() => setEditing(undefined)}
          onSaved={() => {
            setEditing(undefined);
            void changed();
          }}
        />
      )}
      <Confirm asked={confirmation} onClose={() => setConfirmation(undefined)} />
    </div>
  );
}

/** Write-only: what is stored is never shown again, only replaced. */
function CredentialForm(props: {
  readonly credential: Credential | undefined;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const text = useText();
  const { credential } = props;
  const [name, setName] = useState(credential?.name ?? '');
  const [kind, setKind] = useState<CredentialKind>(credential?.kind ?? 'password');
  const [username, setUsername] = useState(credential?.username ?? '');
  const [secret, setSecret] = useState('');
  const [privateKey, setPrivateKey] = useState('');
  const [passphrase, setPassphrase] = useState('');
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const stored = credential?.hasSecret === true;
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    const body = {
      name: name.trim(),
      username: username.trim(),
      ...(kind === 'password' && secret !== '' ? { secret } : {}),
      ...(kind === 'private-key' && privateKey !== ''
        ? { privateKey, ...(passphrase === '' ? {} : { passphrase }) }
        : {}),
    };
    try {
      if (credential === undefined) await api('createCredential', { body: { ...body, kind } });
      else
        await api('updateCredential', {
          params: { id: credential.id },
          body: { ...body, version: credential.version },
        });
      props.onSaved();
    } catch (error) {
      setFault(error);
      setBusy(false);
    }
  };
  return (
    <Drawer
      opened
      onClose={props.onClose}
      size={480}
      title={credential?.name ?? text('credentials.add')}
      closeButtonProps={{ 'aria-label': text('common.close') }}
    >
      <form onSubmit={(event) => void save(event)} autoComplete="off">
        <fieldset className="form-group" disabled={props.readOnly}>
          <Stack>
            {fault !== undefined && <FaultNotice error={fault} />}
            <TextInput
              label={text('field.name')}
              required
              maxLength={200}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            <Select
              label={text('credentials.kind')}
              description={text(`credential-kind.${kind}.help`)}
              disabled={credential !== undefined}
              allowDeselect={false}
              data={CREDENTIAL_KINDS.map((value) => ({ value, label: text(`credential-kind.${value}`) }))}
              value={kind}
              onChange={(value) => setKind((value ?? 'password') as CredentialKind)}
            />
            <TextInput
              label={text('field.username')}
              description={kind === 'ask' || kind === 'login-password' ? text('credentials.username-help') : undefined}
              required={kind === 'password' || kind === 'private-key'}
              autoComplete="off"
              spellCheck={false}
              autoCapitalize="none"
              value={username}
              onChange={(event) => setUsername(event.currentTarget.value)}
            />
            {kind === 'password' && (
              <PasswordInput
                label={text('field.password')}
                required={!stored}
                autoComplete="new-password"
                placeholder={stored ? text('credentials.stored') : ''}
                value={secret}
                onChange={(event) => setSecret(event.currentTarget.value)}
                visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }}
              />
            )}
            {kind === 'private-key' && (
              <>
                <Textarea
                  className="mono"
                  label={text('credentials.private-key')}
                  description={text('credentials.private-key-help')}
                  required={!stored}
                  autosize
                  minRows={4}
                  maxRows={10}
                  placeholder={stored ? text('credentials.stored') : '-----BEGIN OPENSSH PRIVATE KEY-----'}
                  value={privateKey}
                  onChange={(event) => setPrivateKey(event.currentTarget.value)}
                  spellCheck={false}
                  autoComplete="off"
                />
                <PasswordInput
                  label={text('credentials.passphrase')}
                  autoComplete="new-password"
                  value={passphrase}
                  onChange={(event) => setPassphrase(event.currentTarget.value)}
                  visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }}
                />
              </>
            )}
            <Alert color="gray" icon={<IconLock size={16} aria-hidden />}>
              <Text size="sm">{text('credentials.sealed')}</Text>
            </Alert>
            <Group justify="flex-end">
              <Button variant="default" onClick={props.onClose}>
                {text('common.cancel')}
              </Button>
              <Button type="submit" loading={busy}>
                {text('common.save')}
              </Button>
            </Group>
          </Stack>
        </fieldset>
      </form>
    </Drawer>
  );
}
