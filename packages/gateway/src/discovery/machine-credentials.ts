import type { AuthorizedTarget } from '@enchilada/core/access';
import {
  type Credential,
  type CredentialIssuer,
  type CredentialKind,
  type CredentialRecord,
  type CredentialVault,
  fillTemplate,
  type Secret,
} from '@enchilada/core/credential';
import type { FoundMachine, MachineAccess, MachineReference } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import { namedPerson } from '@enchilada/core/session';
import type { Store } from '@enchilada/core/store';

export interface MachineCredentialsParts {
  readonly store: Store;
  readonly vault: CredentialVault;
  readonly makeSessionKey: () => { readonly publicKey: string; readonly privateKey: Secret };
  /** Of a source that is switched on here. */
  readonly accessOf: (sourceId: string) => MachineAccess | undefined;
}

/** Credentials that the cloud in which a machine was found makes or keeps. */
export function machineCredentials(parts: MachineCredentialsParts): ReadonlyMap<CredentialKind, CredentialIssuer> {
  return new Map<CredentialKind, CredentialIssuer>([
    ['session-key', { issue: (record, leave) => sessionKey(parts, record, leave) }],
    ['launch-password', { issue: (record, leave) => launchPassword(parts, record, leave) }],
  ]);
}

/** INVARIANT: the private half exists in this process alone, and from here to the end of the connection's sign-in. */
async function sessionKey(
  parts: MachineCredentialsParts,
  record: CredentialRecord,
  leave: AuthorizedTarget,
): Promise<Credential> {
  const { access, machine } = await cloudOf(parts, record, leave);
  const person = leave.identity.user.username;
  const template = record.username === '' ? '{username}' : record.username;
  const username = fillTemplate(template, await namedPerson(leave.identity, parts.store));
  const { publicKey, privateKey } = parts.makeSessionKey();
  await access.admitKey(machine, { username, person, publicKey });
  return { kind: 'private-key', username, privateKey };
}

async function launchPassword(
  parts: MachineCredentialsParts,
  record: CredentialRecord,
  leave: AuthorizedTarget,
): Promise<Credential> {
  const { access, machine } = await cloudOf(parts, record, leave);
  const opener = await parts.vault.unseal(record, leave);
  if (opener.kind !== 'private-key')
    throw new Fault('CREDENTIAL_MISSING', `the credential ${record.name} holds no private key`);
  const { privateKey, passphrase } = opener;
  const person = leave.identity.user.username;
  const password = await access.launchPassword(machine, {
    person,
    privateKey,
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  return { kind: 'password', username: record.username, password };
}

async function cloudOf(
  { store, accessOf }: MachineCredentialsParts,
  record: CredentialRecord,
  { target }: AuthorizedTarget,
): Promise<{ readonly access: MachineAccess; readonly machine: MachineReference }> {
  if (target.credentialId !== record.id)
    throw new Fault('CREDENTIAL_UNAVAILABLE', 'the credential does not belong to the authorised target');
  const found = await store.now.discovery.findByTarget(target.id);
  if (found === undefined)
    throw new Fault('CREDENTIAL_MISSING', `no source found ${target.name}, so no cloud lets anybody in to it`);
  if (found.goneAt !== undefined) throw new Fault('MACHINE_NOT_RUNNING', `${target.name} is gone`);
  const access = accessOf(found.sourceId);
  if (access === undefined)
    throw new Fault(
      'MACHINE_ACCESS_FAILED',
      `the source of ${target.name} is switched off here, or lets nobody in to its machines`,
    );
  return { access, machine: referenceOf(found) };
}

function referenceOf({ scope, nativeId, facts: { zone } }: FoundMachine): MachineReference {
  return { scope, nativeId, ...(zone === undefined ? {} : { zone }) };
}
