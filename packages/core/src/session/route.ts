import { authorizeJump } from '../access/index.ts';
import type { AuthorizedTarget } from '../access/index.ts';
import { certificateRequest, fillTemplate, Secret } from '../credential/index.ts';
import type {
  CertificateAuthority,
  Credential,
  CredentialIssuer,
  CredentialKind,
  CredentialRecord,
  CredentialVault,
} from '../credential/index.ts';
import type { Hop, Prompt } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import type { Store } from '../store/index.ts';
import type { BrokerParts, BuiltInIdentity } from './broker-parts.ts';
import { decideHostKey } from '../target/index.ts';
import type { HostKey, PresentedHostKey, Target } from '../target/index.ts';
import type { Clock } from '../time/index.ts';
import { namedPerson } from './named-person.ts';
import type { Questions } from './questions.ts';
import type { SessionAuditEvent } from './session-log.ts';

const MOST_HOPS = 8;

export interface RouteParts {
  readonly store: Store;
  readonly sessionId: string;
  readonly vault: CredentialVault;
  readonly issuers: ReadonlyMap<CredentialKind, CredentialIssuer>;
  readonly authority: CertificateAuthority;
  readonly builtIns: ReadonlyMap<string, BuiltInIdentity>;
  readonly clock: Clock;
  readonly questions: Questions;
  readonly lookAgain?: BrokerParts['lookAgain'];
  readonly signal: AbortSignal;
  /** The password the person signed in with, where the login was by password. */
  readonly loginPassword: () => Promise<Secret | undefined>;
  readonly audit: (event: SessionAuditEvent) => Promise<unknown>;
}

/** The hops to the target in order of travel, each with its own host identity and credential. @throws Fault CONFLICT on a loop */
export async function routeTo(destination: AuthorizedTarget, parts: RouteParts): Promise<readonly [Hop, ...Hop[]]> {
  const route: [Hop, ...Hop[]] = [await hopOf(destination, 'session', parts)];
  const seen = new Set([destination.target.id]);
  let leave = destination;
  while (leave.target.jumpTargetId !== undefined) {
    const jump = await jumpHostOf(leave, leave.target.jumpTargetId, parts);
    if (seen.has(jump.id) || seen.size >= MOST_HOPS)
      throw new Fault('CONFLICT', `the jump hosts of ${destination.target.name} form a loop or are too many`);
    seen.add(jump.id);
    leave = authorizeJump(leave, jump);
    route.unshift(await hopOf(leave, 'passage', parts));
  }
  return route;
}

async function jumpHostOf(
  { target }: AuthorizedTarget,
  id: string,
  { store, lookAgain, signal }: RouteParts,
): Promise<Target> {
  const jump = await store.now.catalog.findTarget(id);
  const look = jump && (await lookAgain?.(jump, signal));
  const now = look?.isChanged === true ? await store.now.catalog.findTarget(id) : jump;
  if (now === undefined) throw new Fault('NOT_FOUND', `the jump host of ${target.name} is gone`);
  return now;
}

type Purpose = 'session' | 'passage';

async function hopOf(leave: AuthorizedTarget, purpose: Purpose, parts: RouteParts): Promise<Hop> {
  const { builtIn } = leave.target;
  if (builtIn !== undefined) return hopInside(leave, parts.builtIns.get(builtIn));
  const known = await parts.store.now.hostKeys.listOf(leave.target.id);
  return {
    leave,
    pinnedKeyTypes: [...new Set(known.filter((key) => key.state === 'pinned').map((key) => key.keyType))],
    credential: () => credentialFor(leave, purpose, parts),
    loginPassword: () => parts.loginPassword(),
    verifyHostKey: (presented) => verifyHostKey(leave.target, presented, parts),
  };
}

function hopInside(leave: AuthorizedTarget, machine: BuiltInIdentity | undefined): Hop {
  if (machine === undefined) throw new Fault('NOT_FOUND', `this gateway holds no machine ${leave.target.name}`);
  return {
    leave,
    credential: () => Promise.resolve(machine.credential),
    verifyHostKey: (presented) => {
      if (
        decideHostKey(
          [{ ...machine.hostKey, targetId: leave.target.id, state: 'pinned', pinnedAt: 0, pinnedBy: '' }],
          presented,
          'deny',
        ) === 'accept'
      )
        return Promise.resolve();
      return Promise.reject(
        new Fault('HOST_KEY_CHANGED', 'the machine inside the gateway is not the one that was started'),
      );
    },
  };
}

async function credentialFor(leave: AuthorizedTarget, purpose: Purpose, parts: RouteParts): Promise<Credential> {
  const { target, identity } = leave;
  const record =
    target.credentialId === undefined ? undefined : await parts.store.now.credentials.find(target.credentialId);
  if (target.credentialId !== undefined && record === undefined)
    throw new Fault('CREDENTIAL_MISSING', `the credential of ${target.name} is gone`);
  const kind = record?.kind ?? 'ask';
  const issuer = parts.issuers.get(kind);
  if (record !== undefined && (kind === 'password' || kind === 'private-key' || issuer !== undefined)) {
    const credential = await (issuer === undefined ? parts.vault.unseal(record, leave) : issuer.issue(record, leave));
    await parts.audit({
      action: 'credential.used',
      outcome: 'success',
      object: { kind: 'credential', id: record.id, name: record.name },
    });
    // A key opens whatever account is named; a password is of one person, or of no account at all.
    const template =
      credential.username === '' && credential.kind === 'private-key' ? '{username}' : credential.username;
    return { ...credential, username: await nameFor(template, identity, parts.store) };
  }
  if (record !== undefined && kind === 'certificate') return certificateFor(leave, { record, purpose }, parts);
  if (kind === 'login-password') {
    const password = await parts.loginPassword();
    if (password !== undefined)
      return {
        kind: 'password',
        username: await nameFor(record?.username ?? '', identity, parts.store),
        password,
      };
  }
  const template = record?.username ?? '';
  const username = template === '' ? '' : await nameFor(template, identity, parts.store);
  const lacks = kind === 'login-password' ? { noLoginPassword: identity.login.method } : {};
  return askFor({ title: target.name, username, ...lacks }, parts);
}

/** The name that the credential says, or the person's own where it says none. */
async function nameFor(template: string, identity: VerifiedIdentity, store: Store): Promise<string> {
  return template === '' ? identity.user.username : fillTemplate(template, await namedPerson(identity, store));
}

async function certificateFor(
  leave: AuthorizedTarget,
  { record, purpose }: { readonly record: CredentialRecord; readonly purpose: Purpose },
  parts: RouteParts,
): Promise<Credential> {
  const { authority, clock, audit, sessionId, store, vault } = parts;
  const person = await namedPerson(leave.identity, store);
  const username = fillTemplate(record.username === '' ? '{username}' : record.username, person);
  const request = certificateRequest(record.terms, { person, username, sessionId, purpose }, clock.now());
  const signer = record.reference === undefined ? undefined : await vault.signerOf?.(record, leave);
  if (record.reference !== undefined && signer === undefined)
    throw new Fault('CREDENTIAL_MISSING', `nobody signs for ${record.name}`);
  const { serial, certificate, authority: signedBy, sign } = await authority.issue(request, signer);
  const { keyId, principals, notAfter } = request;
  // INVARIANT: no certificate is used that was not written down.
  await audit({
    action: 'certificate.issued',
    outcome: 'success',
    object: { kind: 'credential', id: record.id, name: record.name },
    detail: {
      serial,
      keyId,
      principals: principals.join(' '),
      notAfter: new Date(notAfter).toISOString(),
      authority: signedBy,
      ...(request.sourceNetworks.length === 0 ? {} : { sourceNetworks: request.sourceNetworks.join(' ') }),
    },
  });
  return { kind: 'certificate', username, certificate, serial, principals, notAfter, sign };
}

async function askFor(
  { username, ...why }: Pick<Prompt, 'title' | 'noLoginPassword'> & { readonly username: string },
  { questions }: RouteParts,
): Promise<Credential> {
  const fields = [...(username === '' ? [{ text: 'username', echo: true }] : []), { text: 'password', echo: false }];
  const answers = await questions.prompt({ ...why, origin: 'product', instruction: '', fields });
  const [name, password] = username === '' ? [answers[0] ?? '', answers[1] ?? ''] : [username, answers[0] ?? ''];
  return { kind: 'password', username: name, password: new Secret(password) };
}

async function verifyHostKey(target: Target, presented: PresentedHostKey, parts: RouteParts): Promise<void> {
  const { store, clock, questions, audit } = parts;
  const object = { kind: 'target', id: target.id, name: target.name };
  const { keyType, fingerprint } = presented;
  const refuse = async (
    code: 'HOST_KEY_UNKNOWN' | 'HOST_KEY_CHANGED' | 'HOST_KEY_REJECTED',
    words: string,
  ): Promise<never> => {
    await audit({
      action: 'host-key.refused',
      outcome: 'denied',
      object,
      reason: code,
      detail: { keyType, fingerprint },
    });
    throw new Fault(code, words, { facts: { target: target.name, keyType, fingerprint } });
  };
  const pin = async (pinnedBy: string): Promise<void> => {
    const key: HostKey = { targetId: target.id, ...presented, state: 'pinned', pinnedAt: clock.now(), pinnedBy };
    // Two first contacts may race with two keys: the database lets one of them pin, the other is then a changed key.
    if (
      !(await store.now.hostKeys.pinFirst(key)) &&
      decideHostKey(await store.now.hostKeys.listOf(target.id), presented, 'deny') !== 'accept'
    ) {
      await refuse('HOST_KEY_CHANGED', `another host key was pinned for ${target.name} in the meantime`);
    }
    await audit({
      action: 'host-key.pinned',
      outcome: 'success',
      object,
      reason: pinnedBy,
      detail: { keyType, fingerprint },
    });
  };
  switch (decideHostKey(await store.now.hostKeys.listOf(target.id), presented, target.hostKeyPolicy)) {
    case 'accept':
      return;
    case 'pin':
      await pin('trust-first');
      return;
    case 'ask':
      if (!(await questions.hostKey(target.name, presented)))
        await refuse('HOST_KEY_REJECTED', `the host key of ${target.name} was not accepted`);
      await pin('asked');
      return;
    case 'unknown':
      await refuse('HOST_KEY_UNKNOWN', `no host key is pinned for ${target.name}`);
      return;
    case 'changed':
    case 'revoked':
      await refuse('HOST_KEY_CHANGED', `the host key of ${target.name} is not the pinned one`);
      return;
  }
}
