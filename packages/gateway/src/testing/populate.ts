import { aFoundMachine, aSource } from '@enchilada/core/testing/store-discovery-cases';
import { aTarget } from '@enchilada/core/testing/store-fixture';
import type { GatewayFixture, Node } from './gateway-fixture.ts';

export type Whose = 'own' | 'other' | 'missing';

export interface Ids {
  readonly target: string;
  readonly session: string;
  readonly recording: string;
  readonly user: string;
  readonly group: string;
  readonly tag: string;
}

/** A machine granted to the owner, a session and a recording of theirs on it, and one of every administered thing. */
export async function populate(fixture: GatewayFixture, owner: string, tag: string): Promise<Ids> {
  const { store, clock } = fixture;
  const suffix = tag.replaceAll('-', '_');
  const at = clock.now();
  const ids: Ids = {
    tag,
    target: `tgt_${suffix}`,
    session: `ses_${suffix}`,
    recording: `rec_${suffix}`,
    user: `usr_v_${suffix}`,
    group: `grp_${suffix}`,
  };
  await fixture.addUser(`v_${suffix}`, 'user');
  await store.now.groups.insert({ id: ids.group, name: `group ${tag}`, description: '', createdAt: at });
  await store.now.groups.addMember(ids.group, ids.user);
  await store.now.catalog.insertGroup({ id: `tgp_${suffix}`, parentId: undefined, name: `folder ${tag}` });
  await store.now.credentials.insert({
    id: `crd_${suffix}`,
    name: `credential ${tag}`,
    kind: 'ask',
    username: '',
    sealed: undefined,
    publicFingerprint: undefined,
    version: 1,
    createdAt: at,
    updatedAt: at,
  });
  await store.now.catalog.insertTarget(
    aTarget({
      id: ids.target,
      name: `machine ${tag}`,
      protocol: 'proto',
      host: 'machine.test',
      labels: {},
      parameters: {},
      createdAt: at,
      updatedAt: at,
    }),
  );
  const source = aSource({ id: `src_${suffix}`, name: `source ${tag}`, parameters: {}, enabled: false });
  await store.now.discovery.insertSource(source);
  await store.now.discovery.noteScopes(source.id, [
    { account: '111111111111', region: 'eu-west-1', accountName: 'One' },
  ]);
  await store.now.discovery.saveFound([aFoundMachine(source.id, { targetId: ids.target })]);
  const settings = { kind: 'example', parameters: {}, secret: undefined, version: 1, createdAt: at, updatedAt: at };
  await store.now.secretStores.insert({ ...settings, id: `sst_${suffix}`, name: `secrets ${tag}` });
  await store.now.providers.insert({
    ...{ id: `idp_${suffix}`, kind: 'away', name: `provider ${tag}`, parameters: {}, secret: undefined, rules: [] },
    ...{ admits: 'matched', trustsFactor: false, enabled: true, version: 1, createdAt: at, updatedAt: at },
  });
  const grant = (id: string, user: string) =>
    store.now.grants.insert({
      id,
      subject: { kind: 'user', id: user },
      scope: { kind: 'target', id: ids.target },
      actions: ['connect'],
      createdAt: at,
      createdBy: 'usr_root',
    });
  await grant(`gra_${suffix}`, `usr_${owner}`);
  await store.now.notifications.insertEndpoint({
    ...{
      id: `end_${suffix}`,
      kind: 'example',
      name: `endpoint ${tag}`,
      parameters: {},
      secret: undefined,
      enabled: true,
    },
    ...{ version: 1, createdAt: at, updatedAt: at, deliveredAt: undefined, problem: undefined },
  });
  await store.now.requests.insert({
    ...{ id: `req_${suffix}`, userId: `usr_${owner}`, username: owner, grantId: `gra_${suffix}`, scopeName: 'machine' },
    scope: { kind: 'target', id: ids.target },
    ...{ actions: ['connect'], from: at, until: at + 3_600_000, reason: 'because', sessions: 1, breakGlass: false },
    ...{ hash: 'a'.repeat(64), state: 'pending', uses: 0, createdAt: at, decidedAt: undefined, decisions: [] },
  });
  const { id: userId, username } = (await store.now.users.findByUsername(owner)) ?? { id: '', username: '' };
  const common = {
    userId,
    username,
    targetId: ids.target,
    targetName: 'machine',
    protocol: 'proto',
    surface: 'terminal',
  };
  await store.now.sessions.insert({
    ...common,
    id: ids.session,
    state: 'requested',
    nodeId: '',
    loginDigest: '0'.repeat(64),
    address: '192.0.2.1',
    viewOnly: false,
    recordExempt: false,
    grantId: undefined,
    recordingId: undefined,
    requestedAt: at,
    openedAt: undefined,
    endedAt: undefined,
    endReason: undefined,
    endDetail: undefined,
    bytesIn: 0,
    bytesOut: 0,
  });
  await store.now.recordings.insert({
    ...common,
    id: ids.recording,
    sessionId: ids.session,
    nodeId: 'node-1',
    state: 'complete',
    startedAt: at,
    endedAt: at,
    durationMs: 1,
    storedBytes: 1,
    chunks: 1,
    endReason: undefined,
  });
  return ids;
}

/** The route's path with the ids of the object it is about. */
export async function fill(
  fixture: GatewayFixture,
  facts: { path: string; ids: Ids; whose: Whose; owner: string; stranger: string; node: Node },
): Promise<string> {
  const { path, ids, whose } = facts;
  const suffix = ids.tag.replaceAll('-', '_');
  const [, collection = ''] = path.split('/');
  const byCollection: Readonly<Record<string, string>> = {
    users: ids.user,
    groups: ids.group,
    machines: ids.target,
    targets: ids.target,
    'target-groups': `tgp_${suffix}`,
    credentials: `crd_${suffix}`,
    grants: `gra_${suffix}`,
    sessions: ids.session,
    recordings: ids.recording,
    requests: `req_${suffix}`,
    notifications: `end_${suffix}`,
    discovery: `src_${suffix}`,
    providers: `idp_${suffix}`,
    'secret-stores': `sst_${suffix}`,
    login: `idp_${suffix}`,
  };
  let id = byCollection[collection] ?? '';
  if (collection === 'me') {
    const whom = whose === 'own' ? facts.owner : facts.stranger;
    if (whose === 'other') await fixture.signIn(facts.node, facts.stranger);
    id = (await fixture.store.now.logins.listOf(`usr_${whom}`))[0]?.digest.slice(0, 32) ?? 'a'.repeat(32);
  }
  if (collection === 'certificate-authority')
    id = await nextSigningKey(fixture, whose === 'missing' ? 'cak_none' : `cak_${suffix}`);
  if (path.startsWith('/me/factors/:id')) {
    const whom = `usr_${whose === 'own' ? facts.owner : facts.stranger}`;
    id = `fac_${suffix}`;
    await fixture.store.now.secondFactors.insert({
      id,
      kind: 'totp',
      userId: whom,
      name: 'app',
      createdAt: fixture.clock.now(),
      confirmedAt: path.endsWith('/confirm') ? undefined : fixture.clock.now(),
      lastUsedAt: undefined,
      seed: await fixture.wrapSeed(`second_factor:${id}:${whom}:seed`),
    });
  }
  if (path.startsWith('/me/keys/:')) {
    id = `pky_${suffix}`;
    const bytes = new Uint8Array(1);
    const key = { id, userId: `usr_${whose === 'own' ? facts.owner : facts.stranger}`, name: 'key', publicKey: 'k' };
    const sealed = { keyId: 'k', wrappedKey: bytes, nonce: bytes, ciphertext: bytes };
    const rest = { fingerprint: 'f', sealed, createdAt: 0, lastUsedAt: undefined };
    await fixture.store.now.personalKeys.insertWithin({ ...key, ...rest }, Infinity);
  }
  if (path.includes('/tokens/:')) {
    const ofMe = path.startsWith('/me');
    if (ofMe) id = `tok_${suffix}`;
    await fixture.store.now.tokens.insert({
      id: `tok_${suffix}`,
      digest: suffix,
      userId: ofMe ? `usr_${whose === 'own' ? facts.owner : facts.stranger}` : ids.user,
      name: 'token',
      scope: [],
      createdAt: 0,
      expiresAt: 1,
      lastUsedAt: undefined,
      lastUsedAddress: undefined,
    });
  }
  if (whose === 'missing') id = collection === 'me' ? 'a'.repeat(32) : 'x_missing';
  return path
    .replace(':id', id)
    .replace(':userId', ids.user)
    .replace(':tokenId', `tok_${suffix}`)
    .replace(':transfer', 'a'.repeat(26))
    .replace(':invitation', 'inv_none')
    .replace(':fingerprint', `SHA256:${'A'.repeat(43)}`);
}

/** One signing key waits to be activated, and has this id. */
async function nextSigningKey({ store }: GatewayFixture, id: string): Promise<string> {
  for (const key of await store.now.authority.list())
    if (key.state !== 'current') await store.now.authority.delete(key.id);
  const sealed = { keyId: 'k', wrappedKey: new Uint8Array(1), nonce: new Uint8Array(1), ciphertext: new Uint8Array(1) };
  if (id !== 'cak_none')
    await store.now.authority.insert({ id, state: 'next', publicKey: id, fingerprint: id, sealed, createdAt: 0 });
  return id;
}
