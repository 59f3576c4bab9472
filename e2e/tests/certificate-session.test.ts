import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type SigningBody, VaultStandIn } from '@enchilada/adapters/secret-store/hashicorp-vault/testing';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Site, startSshd } from './site.ts';

const run = promisify(execFile);
const owned = new AsyncDisposableStack();
let vault: VaultStandIn;
let sshd: Sshd;
let site: Site;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  vault = owned.use(await VaultStandIn.start());
  site = owned.use(await Site.start({ environment: { NODE_EXTRA_CA_CERTS: vault.certificate.certFile } }));
});
after(() => owned.disposeAsync());

test('a machine that trusts the authority is opened by a certificate of this session, over a jump host too, and each is audited', async () => {
  const { api } = site.admin;
  const { id: credentialId } = await api.createCredential({
    body: { name: 'by certificate', kind: 'certificate', username: sshd.username },
  });
  const authority = await api.getAuthority({});
  assert.deepEqual(
    authority.keys.map(({ state }) => state),
    ['current'],
  );
  assert.match(authority.steps.en, /TrustedUserCAKeys/u);
  const trustFile = join(sshd.directory, 'user_ca.pub');
  await writeFile(trustFile, authority.trustFile);
  await sshd.reconfigure([`TrustedUserCAKeys ${trustFile}`]);
  const at = { host: sshd.host, port: sshd.port, credentialId };
  const jumpTargetId = await site.machine({ ...at, name: 'jump' });
  const far = await site.machine({ ...at, name: 'far', jumpTargetId });

  const shell = await site.admin.open(far);
  await shell.live();
  shell.type('echo I am $(id -un)\r');
  await shell.see(`I am ${sshd.username}`);
  await shell.leave();
  const { items } = await api.listAudit({ query: { action: 'certificate.issued', limit: 10 } });
  assert.equal(items.length, 2);
  const me = (await api.getMe()).user;
  for (const { detail, actor } of items) {
    assert.equal(actor.id, me.id);
    assert.equal(detail?.['keyId'], `user=${me.username} id=${me.id} session=${shell.sessionId}`);
    assert.equal(detail?.['principals'], sshd.username);
    assert.ok(sshd.log().includes(`(serial ${String(detail?.['serial'])})`));
  }

  // What the machine does not take is said in words.
  const { id: wrong } = await api.createCredential({
    body: { name: 'by a name', kind: 'certificate', username: '{username}' },
  });
  const refused = await (
    await site.admin.open(await site.machine({ ...at, name: 'near', credentialId: wrong }))
  ).ended();
  assert.equal(refused.fault?.code, 'CERTIFICATE_REFUSED');
});

test('a machine that trusts an authority outside is opened by what that signed for this session, and by nothing wider', async () => {
  const { api } = site.admin;
  const ca = join(sshd.directory, 'outside_ca');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', ca]);
  await sshd.reconfigure([`TrustedUserCAKeys ${ca}.pub`]);
  let more: readonly string[] = [];
  // Signs with OpenSSH's own tool, as the role's rules would let it.
  vault.signKey = async ({ public_key, key_id, valid_principals, ttl, extensions }: SigningBody) => {
    const file = join(sshd.directory, 'asked');
    await writeFile(`${file}.pub`, public_key);
    const permits = ['clear', ...Object.keys(extensions), ...more].flatMap((one) => ['-O', one]);
    const terms = ['-I', key_id, '-n', valid_principals, '-V', `-30s:+${ttl}`, '-z', '4711', ...permits];
    await run('ssh-keygen', ['-q', '-s', ca, ...terms, `${file}.pub`]);
    return (await readFile(`${file}-cert.pub`, 'utf8')).trim();
  };
  vault.policies.set('hvs.signer', ['ssh/sign/people']);
  const { id: storeId } = await api.createSecretStore({
    body: { name: 'signer', kind: 'hashicorp-vault', parameters: { address: vault.url }, secret: 'hvs.signer' },
  });
  const reference = { storeId, path: 'ssh/sign/people', field: '' };
  const { id: credentialId } = await api.createCredential({
    body: { name: 'signed outside', kind: 'certificate', username: sshd.username, reference },
  });
  const machine = await site.machine({ host: sshd.host, port: sshd.port, name: 'outside', credentialId });
  const shell = await site.admin.open(machine);
  await shell.live();
  shell.type('echo I am $(id -un)\r');
  await shell.see(`I am ${sshd.username}`);
  await shell.leave();
  const [event] = (await api.listAudit({ query: { action: 'certificate.issued', limit: 1 } })).items;
  assert.equal(event?.detail?.['serial'], '4711');
  assert.match(sshd.log(), new RegExp(`session=${shell.sessionId}"? \\(serial 4711\\)`, 'u'));

  more = ['permit-agent-forwarding'];
  const wider = await (await site.admin.open(machine)).ended();
  assert.equal(wider.fault?.code, 'SECRET_STORE_DENIED');
  vault.policies.set('hvs.signer', []);
  const denied = await (await site.admin.open(machine)).ended();
  assert.equal(denied.fault?.facts['permission'], 'update on ssh/sign/people');
});
