import { createPrivateKey } from 'node:crypto';
import type { Credential as CredentialView } from '@enchilada/contract';
import { parseCidr } from '@enchilada/core/access';
import {
  type CertificateTerms,
  type CredentialRecord,
  placeProblem,
  Secret,
  templateProblem,
} from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { randomId } from '@enchilada/core/time';
import { actorOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { firstSigningKey } from './authority-handlers.ts';

type CredentialHandlers = Pick<
  Handlers,
  'listCredentials' | 'createCredential' | 'getCredential' | 'updateCredential' | 'deleteCredential'
>;

interface SecretInput {
  readonly secret?: string;
  readonly privateKey?: string;
  readonly passphrase?: string;
}

function viewOf(record: CredentialRecord, targets: number): CredentialView {
  return {
    id: record.id,
    name: record.name,
    kind: record.kind,
    username: record.username,
    hasSecret: record.sealed !== undefined,
    ...(record.publicFingerprint === undefined ? {} : { publicFingerprint: record.publicFingerprint }),
    ...(record.reference === undefined ? {} : { reference: record.reference }),
    ...(record.terms === undefined ? {} : { terms: termsView(record.terms) }),
    targets,
    version: record.version,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
  };
}

const NOTHING_SEALED = { sealed: undefined, publicFingerprint: undefined };

function termsView({ principals, minutes, sourceNetworks }: CertificateTerms) {
  return { principals: [...principals], minutes, sourceNetworks: [...sourceNetworks] };
}

/** @throws Fault INVALID_REQUEST */
function requireGoodNames({ kind, username, terms }: Pick<CredentialRecord, 'kind' | 'username' | 'terms'>): void {
  const problem = templateProblem(username);
  if (problem !== undefined) throw wrongField('username', problem);
  if (terms === undefined) return;
  if (kind !== 'certificate') throw wrongField('terms', 'belong to certificates alone');
  for (const principal of terms.principals) {
    const wrong = templateProblem(principal) ?? (/[\s,*?!"]/u.test(principal) ? 'must be one name' : undefined);
    if (wrong !== undefined) throw wrongField('terms/principals', wrong);
  }
  for (const network of terms.sourceNetworks)
    if (parseCidr(network) === undefined)
      throw wrongField('terms/sourceNetworks', `must be networks as 10.0.0.0/8, received ${network}`);
}

function wrongField(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/${field}` } });
}

/** @throws Fault INVALID_REQUEST where it could not open what a cloud encrypted for a key pair */
function requireRsaKey(privateKey: Secret, passphrase: Secret | undefined): void {
  const key = { key: privateKey.reveal(), ...(passphrase === undefined ? {} : { passphrase: passphrase.reveal() }) };
  let type: string | undefined;
  try {
    type = createPrivateKey(key).asymmetricKeyType;
  } catch {
    throw wrongField('privateKey', 'must be a private key as PEM text, with its passphrase where it has one');
  }
  if (type !== 'rsa') throw wrongField('privateKey', `must be an RSA key, received ${type ?? 'another'}`);
}

export function credentialHandlers(parts: ApiParts): CredentialHandlers {
  const { store, settlements, vault, secretStores, clock, random } = parts;

  /** @throws Fault INVALID_REQUEST */
  async function requireGoodReference(
    {
      kind,
      reference,
    }: Pick<CredentialRecord, 'kind'> & { readonly reference?: CredentialRecord['reference'] | undefined },
    secrets: SecretInput,
  ): Promise<void> {
    if (reference === undefined) return;
    if (kind !== 'password' && kind !== 'private-key' && kind !== 'certificate')
      throw wrongField('reference', 'is for passwords, private keys and certificates alone');
    if (Object.keys(secrets).length > 0) throw wrongField('secret', 'is kept in the secret store');
    if (reference.passphraseField !== undefined && kind !== 'private-key')
      throw wrongField('reference/passphraseField', 'is for private keys alone');
    const place = await store.now.secretStores.find(reference.storeId);
    if (place === undefined) throw wrongField('reference/storeId', 'names a secret store that does not exist');
    const { manifest } = secretStores.typeOf(place.kind);
    if (kind === 'certificate') {
      if (manifest.signsCertificates !== true)
        throw wrongField('reference/storeId', 'names a store that signs nothing');
      if (reference.field !== '') throw wrongField('reference/field', 'does not belong to certificates');
      return;
    }
    if (manifest.passwordsOfMachines === true) {
      if (kind !== 'password') throw wrongField('reference/storeId', 'names a store that keeps passwords alone');
      if (reference.field !== '') throw wrongField('reference/field', 'does not belong to passwords of machines');
      const problem = placeProblem(reference.path);
      if (problem !== undefined) throw wrongField('reference/path', problem);
      return;
    }
    if (reference.field === '' && manifest.holdsWholeValues !== true)
      throw wrongField('reference/field', 'must be given: a place of this store holds several fields');
  }

  /** The sealed part of a credential, as its kind wants it. Bound to the version that the row will have. */
  async function seal(
    record: Pick<CredentialRecord, 'id' | 'kind' | 'version'>,
    input: SecretInput,
  ): Promise<Pick<CredentialRecord, 'sealed' | 'publicFingerprint'>> {
    const { id, kind, version } = record;
    switch (kind) {
      case 'password':
        if (input.secret === undefined) throw wrongField('secret', 'must be given for a password');
        if (input.privateKey !== undefined || input.passphrase !== undefined)
          throw wrongField('privateKey', 'does not belong to a password');
        return {
          sealed: await vault.seal({ id, version, password: new Secret(input.secret) }),
          publicFingerprint: undefined,
        };
      case 'private-key': {
        if (input.privateKey === undefined) throw wrongField('privateKey', 'must be given for a private key');
        if (input.secret !== undefined) throw wrongField('secret', 'does not belong to a private key');
        const privateKey = new Secret(input.privateKey);
        const passphrase = input.passphrase === undefined ? undefined : new Secret(input.passphrase);
        const publicFingerprint = await parts.fingerprintPrivateKey(privateKey, passphrase);
        return {
          sealed: await vault.seal({ id, version, privateKey, ...(passphrase === undefined ? {} : { passphrase }) }),
          publicFingerprint,
        };
      }
      case 'launch-password': {
        if (input.privateKey === undefined) throw wrongField('privateKey', 'must be given for a launch password');
        if (input.secret !== undefined) throw wrongField('secret', 'does not belong to a launch password');
        const privateKey = new Secret(input.privateKey);
        const passphrase = input.passphrase === undefined ? undefined : new Secret(input.passphrase);
        requireRsaKey(privateKey, passphrase);
        return {
          sealed: await vault.seal({ id, version, privateKey, ...(passphrase === undefined ? {} : { passphrase }) }),
          publicFingerprint: await parts.fingerprintPrivateKey(privateKey, passphrase),
        };
      }
      case 'session-key':
      case 'personal-key':
      case 'certificate':
      case 'ask':
      case 'login-password':
        if (input.secret !== undefined || input.privateKey !== undefined || input.passphrase !== undefined)
          throw wrongField('secret', `is not stored for the kind ${kind}`);
        return { sealed: undefined, publicFingerprint: undefined };
    }
  }

  async function find(id: string): Promise<CredentialRecord> {
    const record = await store.now.credentials.find(id);
    if (record === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return record;
  }
  const usersOf = async (id: string): Promise<number> =>
    (await store.now.credentials.list()).find((record) => record.id === id)?.targets ?? 0;
  const objectOf = (record: CredentialRecord) => ({ kind: 'credential', id: record.id, name: record.name });

  return {
    listCredentials: async () => ({
      items: (await store.now.credentials.list()).map((record) => viewOf(record, record.targets)),
    }),

    createCredential: async (context, { body }) => {
      const { name, kind, username, terms, reference, ...secrets } = body;
      const now = clock.now();
      const head = {
        ...{ id: `crd_${randomId(random)}`, name, kind, username, version: 1, createdAt: now, updatedAt: now },
        ...(terms === undefined ? {} : { terms }),
        ...(reference === undefined ? {} : { reference }),
      };
      requireGoodNames(head);
      await requireGoodReference(head, secrets);
      if (kind === 'certificate' && reference === undefined) await firstSigningKey(parts, context);
      const record: CredentialRecord = {
        ...head,
        ...(reference === undefined ? await seal(head, secrets) : NOTHING_SEALED),
      };
      await settlements.write(async (tx) => {
        await tx.credentials.insert(record);
        const did = { ...actorOf(context), object: objectOf(record), outcome: 'success', detail: { kind } } as const;
        return { result: undefined, events: [{ action: 'credential.created', ...did }] };
      });
      return viewOf(record, 0);
    },

    getCredential: async (_context, { params }) => viewOf(await find(params.id), await usersOf(params.id)),

    updateCredential: async (context, { params, body }) => {
      const { name, username, terms, reference, version, ...secrets } = body;
      const before = await find(params.id);
      if (before.version !== version) throw new Fault('CONFLICT', 'the credential was changed in the meantime');
      const replaces = Object.keys(secrets).length > 0;
      const wanted: { -readonly [K in keyof CredentialRecord]: CredentialRecord[K] } = {
        ...{ ...before, name, username, updatedAt: clock.now() },
        ...(terms === undefined ? {} : { terms }),
        ...(reference === undefined ? {} : { reference }),
      };
      requireGoodNames(wanted);
      await requireGoodReference({ kind: before.kind, reference }, secrets);
      // A certificate that names no authority outside is of our own.
      if (before.kind === 'certificate' && reference === undefined) {
        delete wanted.reference;
        await firstSigningKey(parts, context);
      }
      if (before.reference !== undefined && replaces) delete wanted.reference;
      // An update that keeps the secret keeps its envelope, which remembers the version it was made for.
      const sealed = replaces
        ? await seal({ ...before, version: before.version + 1 }, secrets)
        : reference !== undefined
          ? NOTHING_SEALED
          : { sealed: before.sealed, publicFingerprint: before.publicFingerprint };
      const after = await settlements.write(async (tx) => {
        const updated = await tx.credentials.update({ ...wanted, ...sealed });
        const event = {
          action: 'credential.updated',
          ...actorOf(context),
          object: objectOf(updated),
          outcome: 'success',
          detail: { secretReplaced: replaces },
        } as const;
        return { result: updated, events: [event] };
      });
      return viewOf(after, await usersOf(after.id));
    },

    deleteCredential: async (context, { params }) => {
      const record = await find(params.id);
      await settlements.write(async (tx) => {
        await tx.credentials.delete(record.id);
        const object = objectOf(record);
        const event = { action: 'credential.deleted', ...actorOf(context), object, outcome: 'success' } as const;
        return { result: undefined, events: [event] };
      });
      return undefined;
    },
  };
}
