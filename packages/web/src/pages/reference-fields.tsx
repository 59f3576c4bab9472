import { Select, TextInput } from '@mantine/core';
import type { Credential } from '@enchilada/contract';
import type { CredentialKind } from '@enchilada/core/credential';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { useText } from '../i18n/text.tsx';

type Reference = NonNullable<Credential['reference']>;

/** The computer that has the machine’s own host name. */
const OWN_HOST = '{host}';

export interface ReferenceDraft {
  /** Empty: it is kept here. */
  readonly storeId: string;
  readonly path: string;
  readonly field: string;
  readonly passphraseField: string;
}

export function referenceDraft(reference: Reference | undefined): ReferenceDraft {
  return { storeId: '', path: '', field: '', passphraseField: '', ...reference };
}

export function referenceOf(
  { storeId, path, field, passphraseField }: ReferenceDraft,
  kind: CredentialKind,
): Reference {
  return {
    ...{ storeId, path: path.trim(), field: kind === 'certificate' ? '' : field.trim() },
    ...(kind === 'private-key' && passphraseField.trim() !== '' ? { passphraseField: passphraseField.trim() } : {}),
  };
}

/** Where the secret of a credential is kept. Nothing to choose where there is no store outside. */
export function ReferenceFields(props: {
  readonly kind: CredentialKind;
  readonly place: ReferenceDraft;
  readonly onChange: (place: ReferenceDraft) => void;
}) {
  const text = useText();
  const { kind, place, onChange } = props;
  const stores = useQuery({
    queryKey: ['secret-stores'],
    queryFn: ({ signal }) => api('listSecretStores', {}, { signal }),
  });
  const kinds = useQuery({
    queryKey: ['secret-store-kinds'],
    queryFn: ({ signal }) => api('listSecretStoreKinds', {}, { signal }),
    staleTime: Infinity,
  });
  const isSigned = kind === 'certificate';
  const kindOf = (store: { readonly kind: string }) => kinds.data?.items.find((one) => one.kind === store.kind);
  const items = (stores.data?.items ?? []).filter((store) => {
    const manifest = kindOf(store);
    if (isSigned) return manifest?.signsCertificates === true;
    return kind === 'password' || manifest?.passwordsOfMachines !== true;
  });
  const chosen = items.find(({ id }) => id === place.storeId);
  const ofMachines = chosen !== undefined && kindOf(chosen)?.passwordsOfMachines === true;
  const mayBeWhole = chosen !== undefined && kindOf(chosen)?.holdsWholeValues === true;
  const placeIn = (storeId: string): Partial<ReferenceDraft> => {
    const store = items.find(({ id }) => id === storeId);
    const isOfMachines = store !== undefined && kindOf(store)?.passwordsOfMachines === true;
    return { storeId, ...(isOfMachines ? { field: '', path: place.path === '' ? OWN_HOST : place.path } : {}) };
  };
  if (items.length === 0) return null;
  return (
    <>
      <Select
        label={text(isSigned ? 'credentials.signed' : 'credentials.kept')}
        description={text(isSigned ? 'credentials.signed-help' : 'credentials.kept-help')}
        allowDeselect={false}
        data={[
          { value: '', label: text(isSigned ? 'credentials.signed-here' : 'credentials.kept-here') },
          ...items.map(({ id, name }) => ({ value: id, label: name })),
        ]}
        value={place.storeId}
        onChange={(storeId) => onChange({ ...place, ...placeIn(storeId ?? '') })}
      />
      {place.storeId !== '' && (
        <>
          <TextInput
            label={text(isSigned ? 'credentials.role-path' : ofMachines ? 'credentials.computer' : 'credentials.path')}
            description={ofMachines ? text('credentials.computer-help') : undefined}
            placeholder={isSigned ? 'MOUNT/sign/ROLE' : undefined}
            required
            maxLength={500}
            spellCheck={false}
            classNames={{ input: 'mono' }}
            value={place.path}
            onChange={(event) => onChange({ ...place, path: event.currentTarget.value })}
          />
          {!isSigned && !ofMachines && (
            <TextInput
              label={text('credentials.field')}
              description={mayBeWhole ? text('credentials.field-help') : undefined}
              required={!mayBeWhole}
              maxLength={200}
              spellCheck={false}
              classNames={{ input: 'mono' }}
              value={place.field}
              onChange={(event) => onChange({ ...place, field: event.currentTarget.value })}
            />
          )}
          {kind === 'private-key' && (
            <TextInput
              label={text('credentials.passphrase-field')}
              maxLength={200}
              spellCheck={false}
              classNames={{ input: 'mono' }}
              value={place.passphraseField}
              onChange={(event) => onChange({ ...place, passphraseField: event.currentTarget.value })}
            />
          )}
        </>
      )}
    </>
  );
}
