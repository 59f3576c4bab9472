import { Alert, PasswordInput, Select, Text, Textarea, TextInput } from '@mantine/core';
import { IconKey, IconLock } from '@tabler/icons-react';
import type { Credential } from '@enchilada/contract';
import { CREDENTIAL_KINDS, type CredentialKind } from '@enchilada/core/credential';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { EditAction, RemoveAction, Table } from '../components/table.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { AddButton, Page } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';
import { CertificateAuthority } from './certificate-authority.tsx';
import { ReferenceFields, type ReferenceDraft, referenceDraft, referenceOf } from './reference-fields.tsx';
import { SecretStores } from './secret-stores.tsx';
import { CertificateFields, termsOf } from './certificate-fields.tsx';

export function CredentialsPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'credential.write');
  const [editing, setEditing] = useState<Credential | 'new'>();
  const [confirmation, ask] = useConfirm();
  const credentials = useQuery({
    queryKey: ['credentials'],
    queryFn: ({ signal }) => api('listCredentials', {}, { signal }),
  });
  const stores = useQuery({
    queryKey: ['secret-stores'],
    queryFn: ({ signal }) => api('listSecretStores', {}, { signal }),
  });
  const storeNames = new Map((stores.data?.items ?? []).map(({ id, name }) => [id, name]));
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['credentials'] });
  const remove = (credential: Credential): void =>
    ask(
      removal(text, {
        name: credential.name,
        body: text('credentials.remove-body'),
        run: async () => {
          await api('deleteCredential', { params: { id: credential.id } });
          await changed();
        },
      }),
    );
  const add = mayWrite && <AddButton label={text('credentials.add')} onClick={() => setEditing('new')} />;
  return (
    <Page title={text('nav.credentials')} lead={text('credentials.lead')} actions={add}>
      <Listing
        query={credentials}
        items={credentials.data?.items ?? []}
        empty={
          <EmptyState icon={<IconKey size={22} />} title={text('credentials.empty')} action={add}>
            {text('credentials.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table
            columns={[
              text('field.name'),
              text('credentials.kind'),
              text('field.username'),
              { number: text('credentials.used-by') },
              text('catalog.changed'),
            ]}
            actions
          >
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
                <td>
                  {text(`credential-kind.${credential.kind}`)}
                  {credential.reference !== undefined && (
                    <div className="sub">{storeNames.get(credential.reference.storeId)}</div>
                  )}
                </td>
                <td className="mono">{credential.username}</td>
                <td className="number">{text.count('machines.count', credential.targets)}</td>
                <td className="sub">
                  <Moment at={credential.updatedAt} />
                </td>
                <td className="actions">
                  {mayWrite && (
                    <>
                      <EditAction name={credential.name} onClick={() => setEditing(credential)} />
                      <RemoveAction name={credential.name} onClick={() => remove(credential)} />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      <SecretStores />
      <CertificateAuthority />
      {editing !== undefined && (
        <CredentialForm
          credential={editing === 'new' ? undefined : editing}
          readOnly={!mayWrite}
          onClose={() => setEditing(undefined)}
          onSaved={() => {
            setEditing(undefined);
            void changed();
            void client.invalidateQueries({ queryKey: ['certificate-authority'] });
          }}
        />
      )}
      {confirmation}
    </Page>
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
  const [place, setPlace] = useState<ReferenceDraft>(referenceDraft(credential?.reference));
  const [terms, setTerms] = useState(termsOf(credential?.terms));
  const stored = credential?.hasSecret === true;
  const mayBeOutside = kind === 'password' || kind === 'private-key' || kind === 'certificate';
  const isOutside = mayBeOutside && place.storeId !== '';
  const isOptional = ['ask', 'login-password', 'personal-key', 'session-key'].includes(kind);
  const holdsKey = kind === 'private-key' || kind === 'launch-password';
  const save = useSave(async () => {
    const body = {
      name: name.trim(),
      username: username.trim(),
      ...(!isOutside && kind === 'password' && secret !== '' ? { secret } : {}),
      ...(!isOutside && holdsKey && privateKey !== ''
        ? { privateKey, ...(passphrase === '' ? {} : { passphrase }) }
        : {}),
      ...(kind === 'certificate' ? { terms } : {}),
      ...(isOutside ? { reference: referenceOf(place, kind) } : {}),
    };
    if (credential === undefined) await api('createCredential', { body: { ...body, kind } });
    else
      await api('updateCredential', { params: { id: credential.id }, body: { ...body, version: credential.version } });
    props.onSaved();
  });
  return (
    <FormDrawer
      title={credential?.name ?? text('credentials.add')}
      size={480}
      save={save}
      readOnly={props.readOnly}
      onClose={props.onClose}
    >
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
        onChange={(value) => setKind(value ?? 'password')}
      />
      <TextInput
        label={text('field.username')}
        description={
          kind === 'certificate'
            ? text('credentials.username-template')
            : isOptional
              ? text('credentials.username-help')
              : undefined
        }
        required={!isOptional && kind !== 'certificate'}
        autoComplete="off"
        spellCheck={false}
        autoCapitalize="none"
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
      />
      {mayBeOutside && <ReferenceFields kind={kind} place={place} onChange={setPlace} />}
      {!isOutside && kind === 'password' && (
        <PasswordInput
          label={text('field.password')}
          required={!stored}
          autoComplete="new-password"
          placeholder={stored ? text('credentials.stored') : ''}
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
      )}
      {!isOutside && holdsKey && (
        <>
          <Textarea
            className="mono"
            label={text(kind === 'private-key' ? 'credentials.private-key' : 'credentials.launch-key')}
            description={text(kind === 'private-key' ? 'credentials.private-key-help' : 'credentials.launch-key-help')}
            required={!stored}
            autosize
            minRows={4}
            maxRows={10}
            placeholder={
              stored
                ? text('credentials.stored')
                : `-----BEGIN ${kind === 'private-key' ? 'OPENSSH' : 'RSA'} PRIVATE KEY-----`
            }
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
          />
        </>
      )}
      {kind === 'certificate' && <CertificateFields terms={terms} onChange={setTerms} />}
      <Alert color="gray" icon={<IconLock size={16} aria-hidden />}>
        <Text size="sm">
          {text(kind === 'certificate' ? 'credential-kind.certificate.help' : 'credentials.sealed')}
        </Text>
      </Alert>
    </FormDrawer>
  );
}
