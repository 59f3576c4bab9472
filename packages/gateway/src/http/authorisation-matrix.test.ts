import assert from 'node:assert/strict';
import type { GrantAction } from '@enchilada/core/access';
import { test } from 'node:test';
import { ROUTE_LIST, type RouteId } from '@enchilada/contract';
import type { Role } from '@enchilada/core/identity';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { fill, type Ids, populate, type Whose } from '../testing/populate.ts';

/**
 * T13, T14: every route × who asks × whose object, against the table below, which a person reviews. The status of `own` is what the owner of an
 * object, or somebody with the permission, gets. A route that is missing here fails the test.
 */
type Who = 'anonymous' | Role;

/** The object is a machine granted to `ann`, a session or recording of hers, or for the administrator's objects simply one that exists. */
interface Expected {
  /** Written here by hand and not taken from the route, so that a route that is opened by mistake does not pass. */
  readonly who: readonly Who[];
  /** Who reaches an object that is not theirs. Everybody with the permission, unless the object has an owner. */
  readonly other?: readonly Role[];
  /** What is sent, for the routes that need a body or a query to pass their schema. */
  readonly body?: (ids: Ids) => unknown;
  readonly query?: string;
  /** What is answered of an object that does not exist, where it is not 404. */
  readonly missing?: number;
  /** Status of success where the object is not judged by ownership (409: the state forbids what the right allows). */
  readonly success?: number;
}

const group = (ids: Ids) => ({ name: `g-${ids.tag}`, description: '' });
const machine = (ids: Ids) => ({
  name: `m-${ids.tag}`,
  protocol: 'proto',
  host: 'machine.test',
  port: 22,
  labels: {},
  description: '',
  parameters: {},
  hostKeyPolicy: 'ask',
});
const PUBLIC_KEY = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, 7)]).toString('base64')}`;
const ASSERTION = { credentialId: 'AA', clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' };
const CREATION = { credentialId: 'AA', clientDataJSON: 'AA', attestationObject: 'AA', transports: [] };
const OWNED: readonly Role[] = ['administrator'];
const EVERYBODY: readonly Who[] = ['anonymous', 'user', 'auditor', 'administrator'];
const SIGNED_IN: readonly Who[] = ['user', 'auditor', 'administrator'];
const USERS: readonly Who[] = ['user', 'administrator'];
const AUDITORS: readonly Who[] = ['auditor', 'administrator'];
const ADMINISTRATOR: readonly Who[] = ['administrator'];

const UPDATED_SOURCE = { name: 'source', parameters: {}, protectedTags: [], enabled: false };
const PROVIDER = { name: 'p', parameters: {}, rules: [], admits: 'matched', trustsFactor: false, enabled: true };
const SOURCE = { ...UPDATED_SOURCE, kind: 'example' };

const TABLE: Readonly<Record<RouteId, Expected>> = {
  getSignIn: { who: EVERYBODY },
  checkBootstrap: { who: EVERYBODY, body: () => ({ token: 'x' }), success: 403 },
  completeBootstrap: {
    who: EVERYBODY,
    body: () => ({ token: 'x', username: 'x', displayName: '', password: 'x' }),
    success: 403,
  },
  checkRecovery: { who: EVERYBODY, body: () => ({ token: 'x' }), success: 403 },
  completeRecovery: { who: EVERYBODY, body: () => ({ token: 'x', password: 'x' }), success: 403 },
  login: { who: EVERYBODY, body: () => ({ username: 'x', password: 'x' }), success: 401 },
  logout: { who: SIGNED_IN },
  getMe: { who: SIGNED_IN },
  changePassword: { who: SIGNED_IN, body: () => ({ current: 'wrong', next: 'x' }), success: 401 },
  setPreferences: { who: SIGNED_IN, body: () => ({ preferences: {} }) },
  listLogins: { who: SIGNED_IN },
  endLogin: { who: SIGNED_IN, other: [] },
  startPasskeySignIn: { who: EVERYBODY },
  loginWithPasskey: { who: EVERYBODY, body: () => ({ passkey: ASSERTION }), success: 401 },
  listFactors: { who: SIGNED_IN },
  startPasskeyProof: { who: SIGNED_IN },
  prove: { who: SIGNED_IN, body: () => ({ code: '000000' }), success: 401 },
  startTotp: { who: SIGNED_IN },
  confirmTotp: { who: SIGNED_IN, other: [], body: () => ({ code: '000000', name: 'x' }), success: 401 },
  startPasskey: { who: SIGNED_IN },
  enrolPasskey: { who: SIGNED_IN, body: () => ({ passkey: CREATION, name: 'x' }), success: 401 },
  // Enrolled behind the back of a login by password: it must prove itself by the factor first.
  removeFactor: { who: SIGNED_IN, other: [], success: 403 },
  renewRecoveryCodes: { who: SIGNED_IN, success: 409 },
  resetFactors: { who: ADMINISTRATOR },
  askDeviceLogin: { who: EVERYBODY },
  pollDeviceLogin: { who: EVERYBODY, body: () => ({ deviceCode: 'x' }) },
  // Nobody has asked under this code.
  checkDeviceLogin: { who: SIGNED_IN, body: () => ({ userCode: 'BCDF-GHJK' }), success: 404 },
  decideDeviceLogin: {
    who: SIGNED_IN,
    body: () => ({ userCode: 'BCDF-GHJK', verdict: 'approve' }),
    success: 404,
  },
  listTokens: { who: SIGNED_IN },
  // Nobody lends what they lack: an auditor has this permission and a user has not.
  createToken: { who: AUDITORS, body: () => ({ name: 'x', scope: ['audit.read'], days: 1 }) },
  removeToken: { who: SIGNED_IN, other: [] },
  listPersonalKeys: { who: SIGNED_IN },
  createPersonalKey: { who: SIGNED_IN, body: () => ({ name: 'x' }) },
  removePersonalKey: { who: SIGNED_IN, other: [] },
  listUserTokens: { who: ADMINISTRATOR },
  // The account of the matrix is a person's; of service accounts see service-account.test.ts.
  createUserToken: {
    who: ADMINISTRATOR,
    body: () => ({ name: 'x', scope: ['audit.read'], days: 1 }),
    success: 409,
  },
  removeUserToken: { who: ADMINISTRATOR },
  startProviderSignIn: { who: EVERYBODY, body: () => ({}) },
  completeProviderSignIn: { who: EVERYBODY, body: () => ({ answer: 'x' }), success: 409, missing: 409 },
  signInThroughProxy: { who: EVERYBODY, body: () => ({}), success: 404 },
  changeDirectoryPassword: {
    who: EVERYBODY,
    body: () => ({ username: 'x', password: 'x', next: 'y' }),
    success: 404,
  },
  listProviderKinds: { who: ADMINISTRATOR },
  listProviders: { who: ADMINISTRATOR },
  createProvider: { who: ADMINISTRATOR, body: (ids) => ({ ...PROVIDER, kind: 'away', name: `p-${ids.tag}` }) },
  updateProvider: {
    who: ADMINISTRATOR,
    body: (ids) => ({ ...PROVIDER, name: `p-${ids.tag}`, version: 999 }),
    success: 409,
  },
  deleteProvider: { who: ADMINISTRATOR },
  getProvisioning: { who: ADMINISTRATOR },
  renewProvisioningToken: { who: ADMINISTRATOR },
  removeProvisioning: { who: ADMINISTRATOR },
  listUsers: { who: ADMINISTRATOR },
  createUser: { who: ADMINISTRATOR, body: (ids) => ({ username: `u-${ids.tag}`, displayName: '', role: 'user' }) },
  getUser: { who: ADMINISTRATOR },
  updateUser: { who: ADMINISTRATOR, body: () => ({ version: 999 }), success: 409 },
  deleteUser: { who: ADMINISTRATOR, query: '?version=999', success: 409 },
  setUserPassword: { who: ADMINISTRATOR, body: () => ({ password: 'an entirely new phrase' }) },
  findSubjects: { who: ADMINISTRATOR, query: '?kind=user' },
  listGroups: { who: ADMINISTRATOR },
  createGroup: { who: ADMINISTRATOR, body: group },
  updateGroup: { who: ADMINISTRATOR, body: group },
  deleteGroup: { who: ADMINISTRATOR },
  listMembers: { who: ADMINISTRATOR },
  addMember: { who: ADMINISTRATOR, body: (ids) => ({ userId: ids.user }) },
  removeMember: { who: ADMINISTRATOR },
  listMachines: { who: USERS },
  listRecentMachines: { who: USERS },
  getMachine: { who: USERS, other: [] },
  listMachineGroups: { who: USERS },
  listEngines: { who: SIGNED_IN },
  listTargets: { who: ADMINISTRATOR },
  createTarget: { who: ADMINISTRATOR, body: machine },
  importTargets: { who: ADMINISTRATOR, body: () => ({ format: 'csv', text: 'name,host\na,b\n', preview: true }) },
  getTarget: { who: ADMINISTRATOR },
  updateTarget: { who: ADMINISTRATOR, body: (ids) => ({ ...machine(ids), version: 999 }), success: 409 },
  deleteTarget: { who: ADMINISTRATOR, query: '?version=999', success: 409 },
  listHostKeys: { who: ADMINISTRATOR },
  pinHostKey: { who: ADMINISTRATOR, body: () => ({ publicKey: PUBLIC_KEY }) },
  removeHostKey: { who: ADMINISTRATOR, success: 404 },
  listTargetGroups: { who: ADMINISTRATOR },
  createTargetGroup: { who: ADMINISTRATOR, body: (ids) => ({ name: `t-${ids.tag}` }) },
  updateTargetGroup: { who: ADMINISTRATOR, body: (ids) => ({ name: `t-${ids.tag}` }) },
  deleteTargetGroup: { who: ADMINISTRATOR },
  listCredentials: { who: ADMINISTRATOR },
  createCredential: { who: ADMINISTRATOR, body: (ids) => ({ name: `c-${ids.tag}`, kind: 'ask', username: '' }) },
  getCredential: { who: ADMINISTRATOR },
  updateCredential: { who: ADMINISTRATOR, body: () => ({ name: 'c', username: '', version: 999 }), success: 409 },
  deleteCredential: { who: ADMINISTRATOR },
  listSecretStoreKinds: { who: ADMINISTRATOR },
  listSecretStores: { who: ADMINISTRATOR },
  createSecretStore: {
    who: ADMINISTRATOR,
    body: (ids) => ({ name: `s-${ids.tag}`, kind: 'example', parameters: {} }),
  },
  updateSecretStore: { who: ADMINISTRATOR, body: () => ({ name: 's', parameters: {}, version: 999 }), success: 409 },
  deleteSecretStore: { who: ADMINISTRATOR },
  getKeyEncryption: { who: ADMINISTRATOR },
  rewrapKeys: { who: ADMINISTRATOR },
  getAuthority: { who: ADMINISTRATOR },
  createAuthorityKey: { who: ADMINISTRATOR },
  activateAuthorityKey: { who: ADMINISTRATOR },
  deleteAuthorityKey: { who: ADMINISTRATOR },
  listGrants: { who: ADMINISTRATOR },
  createGrant: {
    who: ADMINISTRATOR,
    body: (ids) => ({
      subject: { kind: 'user', id: ids.user },
      scope: { kind: 'target', id: ids.target },
      actions: ['connect'],
    }),
  },
  previewGrant: {
    who: ADMINISTRATOR,
    body: (ids) => ({
      add: {
        subject: { kind: 'user', id: ids.user },
        scope: { kind: 'target', id: ids.target },
        actions: ['connect'],
      },
    }),
  },
  deleteGrant: { who: ADMINISTRATOR },
  listNotifierKinds: { who: ADMINISTRATOR },
  listNotificationEndpoints: { who: ADMINISTRATOR },
  createNotificationEndpoint: {
    who: ADMINISTRATOR,
    body: (ids) => ({ kind: 'example', name: `e-${ids.tag}`, parameters: {}, enabled: true }),
  },
  updateNotificationEndpoint: {
    who: ADMINISTRATOR,
    body: () => ({ name: 'e', parameters: {}, enabled: true, version: 999 }),
    success: 409,
  },
  deleteNotificationEndpoint: { who: ADMINISTRATOR },
  testNotificationEndpoint: { who: ADMINISTRATOR },
  getRequestTerms: { who: USERS, other: [] },
  listRequests: { who: SIGNED_IN, query: '?view=history' },
  countRequests: { who: SIGNED_IN },
  getRequest: { who: SIGNED_IN, other: ['auditor', 'administrator'] },
  // The machine of the test is open without an approval.
  createRequest: {
    who: USERS,
    body: (ids) => ({ scope: { kind: 'target', id: ids.target }, until: 4_000_000_000_000, reason: 'because' }),
    success: 409,
  },
  // Nobody decides on their own, and who is in no group that decides learns of nobody's.
  decideRequest: {
    who: SIGNED_IN,
    other: [],
    body: () => ({ verdict: 'approve', hash: 'a'.repeat(64) }),
    success: 403,
  },
  cancelRequest: { who: SIGNED_IN, other: [] },
  explainAccess: { who: AUDITORS, query: '?userId=usr_root&targetId=tgt_none', success: 404 },
  listTargetAccess: { who: AUDITORS },
  getAccessReport: { who: AUDITORS, query: '?user=root' },
  measureAccessReport: { who: AUDITORS, query: '?user=root' },
  exportAccessReport: { who: AUDITORS, query: '?user=root&format=csv' },
  explainOwnAccess: { who: USERS, other: [] },
  openSession: { who: USERS, other: [], body: (ids) => ({ targetId: ids.target }) },
  issueTickets: { who: USERS, other: [], body: () => ({ mode: 'control' }) },
  listSessions: { who: USERS },
  getSession: { who: USERS, other: OWNED },
  endSession: { who: USERS, other: OWNED, body: () => ({ reason: 'because' }) },
  // 403: the person's grant on the machine of the test does not let them share.
  createInvitation: { who: USERS, other: [], body: () => ({ username: 'bob', minutes: 5 }), success: 403 },
  listInvitations: { who: USERS, other: [] },
  deleteInvitation: { who: USERS, other: [] },
  // 409: the session of the test is no live one, so it has no files.
  listFiles: { who: USERS, other: [], success: 409 },
  changeFile: { who: USERS, other: [], body: () => ({ change: 'delete', path: 'L3g' }), success: 409 },
  downloadFile: { who: USERS, other: [], query: `?path=L3g&transfer=${'a'.repeat(26)}`, success: 409 },
  uploadFile: {
    who: USERS,
    other: [],
    query: `?path=L3g&transfer=${'a'.repeat(26)}&offset=0&size=0`,
    success: 409,
  },
  getTransfer: { who: USERS, other: [], success: 409 },
  cancelTransfer: { who: USERS, other: [], success: 409 },
  listRecordings: { who: SIGNED_IN },
  getRecording: { who: SIGNED_IN, other: ['auditor', 'administrator'] },
  verifyRecording: { who: SIGNED_IN, other: ['auditor', 'administrator'] },
  streamRecording: { who: SIGNED_IN, other: ['auditor', 'administrator'] },
  listKeyStrokes: { who: ADMINISTRATOR },
  downloadRecording: { who: AUDITORS },
  exportRecording: { who: AUDITORS, query: '?format=text' },
  listAudit: { who: AUDITORS },
  exportAudit: { who: AUDITORS, query: '?format=csv' },
  verifyAudit: { who: AUDITORS },
  getSettings: { who: ADMINISTRATOR },
  setSettings: { who: ADMINISTRATOR, body: () => ({}) },
  createTryIt: { who: ADMINISTRATOR, success: 409 },
  listNodes: { who: ADMINISTRATOR },
  listSourceKinds: { who: ADMINISTRATOR },
  listSources: { who: ADMINISTRATOR },
  createSource: { who: ADMINISTRATOR, body: (ids) => ({ ...SOURCE, name: `s-${ids.tag}` }) },
  updateSource: {
    who: ADMINISTRATOR,
    body: (ids) => ({ ...UPDATED_SOURCE, name: `s-${ids.tag}`, version: 999 }),
    success: 409,
  },
  deleteSource: { who: ADMINISTRATOR },
  listSourceScopes: { who: ADMINISTRATOR },
  listHeldRemovals: { who: ADMINISTRATOR, query: '?account=111111111111&region=eu-west-1' },
  sweepSource: { who: ADMINISTRATOR, success: 409 },
  acceptRemovals: {
    who: ADMINISTRATOR,
    body: () => ({ account: '111111111111', region: 'eu-west-1', machines: ['i-1'] }),
  },
  previewDiscovery: { who: ADMINISTRATOR, body: () => ({ source: SOURCE }) },
  listDiscoveryChanges: { who: ADMINISTRATOR },
  getRules: { who: ADMINISTRATOR },
  setRules: { who: ADMINISTRATOR, body: () => ({ rules: [], version: 999 }), success: 409 },
  explainTarget: { who: ADMINISTRATOR },
  getOnboarding: { who: ADMINISTRATOR },
};

const PEOPLE = { user: 'ann', auditor: 'otto', administrator: 'root' } as const satisfies Record<Role, string>;
/** Who else owns objects: a person of each kind cannot, so the owner of what is "other" is a second user. */
const STRANGER = 'bob';

/** For matrix-mutations.test.ts, which breaks one check at a time and looks at its routes alone. */
const ONLY = process.env['MATRIX_ONLY']?.split(',');
const ROUTES = ROUTE_LIST.filter(({ id }) => ONLY?.includes(id) ?? true);

test('every route answers everybody as the reviewed table says', async () => {
  const answered: string[] = [];
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  for (const [role, name] of Object.entries(PEOPLE)) await fixture.addUser(name, role as Role);
  await fixture.addUser(STRANGER, 'user');
  for (const [index, route] of ROUTES.entries()) {
    const expected = TABLE[route.id];
    for (const who of ['anonymous', 'user', 'auditor', 'administrator'] as const) {
      for (const whose of route.path.includes(':') || route.id === 'openSession'
        ? (['own', 'other', 'missing'] as const)
        : (['own'] as const)) {
        // Made afresh, so that a deletion before does not show.
        const tag = `${index}-${who}-${whose}`;
        const owner = whose === 'own' && who !== 'anonymous' ? PEOPLE[who] : STRANGER;
        const ids = await populate(fixture, owner, tag);
        const cookie = who === 'anonymous' ? undefined : await fixture.signIn(node, PEOPLE[who]);
        const url = `${await fill(fixture, { path: route.path, ids, whose, owner, stranger: STRANGER, node })}${expected.query ?? ''}`;
        const target = whose === 'missing' ? { ...ids, target: 'tgt_missing' } : ids;
        const response = await call(node, route.method, url, {
          cookie,
          ...(expected.body === undefined ? {} : { body: expected.body(target) }),
        });
        const wanted = wantedStatus({ expected, who, whose });
        const line = `${route.id}: ${who} on ${whose} object → ${response.statusCode}`;
        assert.ok(
          wanted === 'success'
            ? response.statusCode === (expected.success ?? response.statusCode) &&
                (expected.success !== undefined || response.statusCode < 300)
            : response.statusCode === wanted,
          `${line}, wanted ${wanted}: ${response.body.slice(0, 300)}`,
        );
        answered.push(line);
        // The wrong passwords of this round must not slow the sign-ins of the next.
        await fixture.store.now.throttle.deleteOlderThan(Number.MAX_SAFE_INTEGER);
        // A factor that was made in this round is asked for in no other.
        for (const name of [...Object.values(PEOPLE), STRANGER])
          await fixture.store.now.secondFactors.deleteOf(`usr_${name}`);
        // A session that is open counts against its person's limit.
        for (const { id } of (await fixture.store.now.sessions.list({ live: true, limit: 100 })).items)
          await fixture.store.now.sessions.update(id, { state: 'ended', endedAt: 1 });
      }
    }
  }
  assert.ok(ONLY !== undefined || answered.length > 300, `${answered.length} answers`);
});

test('unknown and forbidden objects are answered with equal bodies', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  await fixture.addUser(STRANGER, 'user');
  const ids = await populate(fixture, STRANGER, 'x');
  const cookie = await fixture.signIn(node, 'ann');
  for (const [kind, id] of [
    ['machines', ids.target],
    ['sessions', ids.session],
    ['recordings', ids.recording],
  ] as const) {
    const bodies = await Promise.all(
      [id, `${id.slice(0, -1)}a`].map(async (one) => ({
        ...(await call(node, 'GET', `/${kind}/${one}`, { cookie })).json<object>(),
        reference: '',
      })),
    );
    assert.deepEqual(bodies[0], bodies[1], kind);
    assert.ok(
      fixture.audit.events.some(({ action, object }) => action === 'access.denied' && object?.id === id),
      `${kind} is audited`,
    );
  }
});

test('a list holds what the person may see, in whatever way they ask for more', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  for (const [role, name] of Object.entries(PEOPLE)) await fixture.addUser(name, role as Role);
  await fixture.addUser(STRANGER, 'user');
  const own = await populate(fixture, 'ann', 'own');
  const others = await populate(fixture, STRANGER, 'other');
  const cookies = { user: '', auditor: '', administrator: '' };
  for (const [role, name] of Object.entries(PEOPLE)) cookies[role as Role] = await fixture.signIn(node, name);
  const list = async (role: Role, path: string) => {
    const response = await call(node, 'GET', path, { cookie: cookies[role] });
    return response.statusCode === 200
      ? response
          .json<{ items: { id: string }[] }>()
          .items.map(({ id }) => id)
          .sort()
      : response.statusCode;
  };
  const stranger = `userId=usr_${STRANGER}`;
  for (const query of ['', `?${stranger}`, `?targetId=${others.target}`, '?text=machine', '?from=1']) {
    const found = await list('user', `/recordings${query}`);
    assert.ok(Array.isArray(found) && !found.includes(others.recording), `recordings${query}`);
  }
  assert.deepEqual(await list('user', '/recordings'), [own.recording]);
  assert.deepEqual(await list('auditor', '/recordings'), [others.recording, own.recording].sort());
  assert.deepEqual(await list('user', '/sessions'), [own.session]);
  assert.deepEqual(await list('user', `/sessions?${stranger}`), [own.session]);
  assert.equal(await list('user', '/sessions?scope=all'), 403);
  assert.equal(await list('user', `/sessions?scope=all&${stranger}`), 403);
  assert.deepEqual(await list('administrator', '/sessions'), []);
  assert.deepEqual(await list('administrator', '/sessions?scope=all'), [others.session, own.session].sort());
  assert.deepEqual(await list('user', '/machines'), [own.target]);
  assert.deepEqual(await list('user', '/machines?text=other'), []);
  assert.deepEqual(await list('administrator', '/machines'), [], 'administering a machine is not a grant');
  const grant = (action: GrantAction, effect: 'allow' | 'deny' = 'allow') =>
    fixture.store.now.grants.insert({
      id: `gra_${action}_${effect}`,
      subject: { kind: 'user', id: 'usr_ann' },
      scope: { kind: 'target', id: others.target },
      actions: [action],
      effect,
      createdAt: 0,
      createdBy: 'usr_root',
    });
  const tickets = (mode: string, session = others.session) =>
    call(node, 'POST', `/sessions/${session}/tickets`, { cookie: cookies.user, body: { mode } });

  // One that its owner shares with somebody else.
  const cookie = await fixture.signIn(node, STRANGER);
  const made = await call(node, 'POST', '/sessions', { cookie, body: { targetId: others.target } });
  assert.equal(made.statusCode, 201);
  const shared = made.json<{ session: { id: string } }>().session.id;
  const invite = (username: string) =>
    call(node, 'POST', `/sessions/${shared}/invitations`, { cookie, body: { username, minutes: 5 } });
  assert.equal((await invite('ann')).statusCode, 403, 'leave to open is not leave to share');
  await fixture.store.now.grants.insert({
    ...{ id: 'gra_share', subject: { kind: 'user', id: `usr_${STRANGER}` }, scope: { kind: 'all' } },
    ...{ actions: ['share'], createdAt: 0, createdBy: 'usr_root' },
  });
  assert.equal((await invite('root')).statusCode, 201);
  assert.equal((await tickets('watch', shared)).statusCode, 404, 'an invitation is for whom it names');
  assert.deepEqual(await list('user', '/sessions?scope=watchable'), []);
  assert.equal((await invite('ann')).statusCode, 201);
  assert.equal((await tickets('watch', shared)).statusCode, 201);
  assert.equal((await tickets('control', shared)).statusCode, 404, 'a guest looks on');
  assert.deepEqual(await list('user', '/sessions?scope=watchable'), [shared]);

  await grant('watch');
  const open = (viewOnly?: boolean) =>
    call(node, 'POST', '/sessions', { cookie: cookies.user, body: { targetId: others.target, viewOnly } });
  for (const viewOnly of [undefined, true, false])
    assert.equal((await open(viewOnly)).statusCode, 404, 'leave to watch is not leave to open');
  assert.equal((await tickets('watch')).statusCode, 201);
  await grant('record-exempt');
  assert.equal((await open()).statusCode, 404, 'leave to go unrecorded is not leave to open');
  await grant('view-only');
  for (const viewOnly of [undefined, true, false]) {
    const opened = await open(viewOnly);
    const { session } = opened.json<{ session: { viewOnly: boolean; recordExempt: boolean } }>();
    assert.equal(session.recordExempt, false, 'the installation lets nobody go unrecorded');
    assert.deepEqual([opened.statusCode, session.viewOnly], [201, true], 'leave to look is leave for nothing more');
  }
  await grant('connect', 'deny');
  for (const viewOnly of [undefined, true])
    assert.equal((await open(viewOnly)).statusCode, 404, 'who may not open may not look');
  await fixture.store.now.grants.delete('gra_connect_deny');
  await grant('connect');
  assert.equal((await tickets('control')).statusCode, 404, 'leave to open is not leave to type into another one');
});

function wantedStatus({ expected, who, whose }: { expected: Expected; who: Who; whose: Whose }): number | 'success' {
  if (!expected.who.includes(who)) return who === 'anonymous' ? 401 : 403;
  if (whose === 'missing') return expected.missing ?? 404;
  if (who === 'anonymous') return 'success';
  return whose === 'other' && expected.other !== undefined && !expected.other.includes(who) ? 404 : 'success';
}
