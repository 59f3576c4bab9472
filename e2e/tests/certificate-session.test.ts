import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  site = owned.use(await Site.start());
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
