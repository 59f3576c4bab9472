import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { generateKey } from '@enchilada/core/testing/servers/sshd';
import { INSPECTED, Inspector } from '../fixtures/inspector.ts';
import { Person } from '../product/index.ts';
import { Site, startSshd } from './site.ts';

const MOST_LOOKS = 15;
const BETWEEN_LOOKS_MS = 1_000;

/** Looks again until nothing is left; each look collects what nothing holds any more. */
async function untilNone(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  let left = await look();
  for (let count = 1; left.length > 0 && count < MOST_LOOKS; count += 1) {
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
    left = await look();
  }
  return left;
}

/** A key in PKCS #8, not encrypted, and its public half as OpenSSH writes it. */
function plainKey(): { readonly pem: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(point)]);
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: `ssh-ed25519 ${blob.toString('base64')}`,
  };
}

test('after a session nothing in the process holds what it was opened with, or what was typed unseen', async () => {
  await using sshd = await startSshd();
  const canary = (name: string): string => `${name}${randomBytes(12).toString('hex')}`;
  const secrets = {
    'password of the machine': sshd.password,
    'passphrase of the key': canary('passphrase'),
    'private key': '',
    'private key in clear': '',
    'password of a person': canary('Person-'),
    'password typed at a prompt of the machine': canary('hidden'),
  };
  const key = await generateKey(['-t', 'ed25519'], secrets['passphrase of the key']);
  secrets['private key'] = key.privateKey.split('\n')[2] ?? '';
  await sshd.authorize(key.publicKey);
  const plain = plainKey();
  secrets['private key in clear'] = plain.pem.split('\n')[1] ?? '';
  await sshd.authorize(plain.publicKey);
  await using site = await Site.start(INSPECTED);
  const { api } = site.admin;
  const nina = { username: 'nina', password: secrets['password of a person'] };
  await api.createUser({ body: { ...nina, displayName: '', role: 'user' } });
  await Person.signIn(site.gateway.url, nina);
  const at = { host: sshd.host, port: sshd.port };
  const withKey = await api.createCredential({
    body: {
      ...{ name: 'key', kind: 'private-key', username: sshd.username, privateKey: key.privateKey },
      passphrase: secrets['passphrase of the key'],
    },
  });
  const withPlain = await api.createCredential({
    body: { name: 'plain', kind: 'private-key', username: sshd.username, privateKey: plain.pem },
  });
  const asking = await api.createCredential({ body: { name: 'ask', kind: 'ask', username: sshd.username } });
  const shells = [
    await site.admin.open(await site.machineOn(sshd, { name: 'by password' })),
    await site.admin.open(await site.machine({ ...at, name: 'by key', credentialId: withKey.id })),
    await site.admin.open(await site.machine({ ...at, name: 'by plain key', credentialId: withPlain.id })),
    await site.admin.open(await site.machine({ ...at, name: 'by asking', credentialId: asking.id }), {
      answers: [[sshd.password]],
    }),
  ];
  for (const shell of shells) await shell.live();
  const [first] = shells;
  const hidden = secrets['password typed at a prompt of the machine'];
  first?.type('read -rsp "Sec""ret: " x; echo; echo "${#x} letters"\r');
  await first?.see('Secret: ');
  first?.type(`${hidden}\r`);
  await first?.see(`${hidden.length} letters`);

  await using inside = await Inspector.attach(site.gateway);
  const entries = Object.entries(secrets);
  assert.deepEqual(
    (await inside.stringsWith(['by asking', sshd.password])).toSorted(),
    ['by asking', sshd.password].toSorted(),
    'while the sessions live, the search finds what it looks for',
  );
  for (const shell of shells) {
    shell.type('exit\r');
    await shell.ended();
    await shell.leave();
  }
  const names = (texts: readonly string[]): readonly string[] =>
    entries.filter(([, text]) => texts.includes(text)).map(([name]) => name);
  const all = entries.map(([, text]) => text);
  assert.deepEqual(names(await untilNone(() => inside.buffersWith(all))), [], 'in buffers');
  assert.deepEqual(names(await untilNone(() => inside.stringsWith(all))), [], 'in strings');
  await inside.evaluate(`globalThis.kept = Buffer.from(${JSON.stringify(sshd.password)})`);
  assert.deepEqual(await inside.buffersWith(all), [sshd.password], 'what is held in a buffer is found');
});
