import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Secret, type Credential } from '@enchilada/core/credential';
import type { Prompt } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import { ManualClock } from '@enchilada/core/testing/recorder-parts';
import { generateKey, startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { openJourney, password, pinnedKeys, sshdTarget, until, type Trace } from './testing.ts';

const PASSPHRASE = 'correct horse';

function privateKey(username: string, pem: string, passphrase?: string): () => Promise<Credential> {
  return async () => ({
    kind: 'private-key',
    username,
    privateKey: new Secret(pem),
    ...(passphrase === undefined ? {} : { passphrase: new Secret(passphrase) }),
  });
}

/** PKCS #8, as OpenSSL writes it today. */
function pkcs8(pem: string, passphrase?: string): string {
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return createPrivateKey(pem)
    .export({ type: 'pkcs8', format: 'pem', ...cipher })
    .toString();
}

describe('credentials against OpenSSH', () => {
  let sshd: Sshd;
  before(async () => {
    sshd = await startSshd();
  });
  after(() => sshd[Symbol.asyncDispose]());

  const signIn = async (credential: () => Promise<Credential>, server = sshd): Promise<readonly string[]> => {
    const from = server.attempts().length;
    const target = sshdTarget(server);
    await using client = await openJourney({
      hops: [{ target, credential, pinned: pinnedKeys(target, server.hostKeys) }],
    });
    client.session.input(Buffer.from('echo I am $(id -un).\n'));
    await until(() => client.output().includes(`I am ${server.username}.`));
    return server.attempts().slice(from);
  };

  for (const [name, type, passphrase, convert] of [
    ['Ed25519 in OpenSSH form', ['-t', 'ed25519'], '', undefined],
    ['Ed25519 in OpenSSH form, encrypted', ['-t', 'ed25519', '-a', '4'], PASSPHRASE, undefined],
    ['ECDSA P-256', ['-t', 'ecdsa', '-b', '256'], '', undefined],
    ['ECDSA P-384, encrypted', ['-t', 'ecdsa', '-b', '384', '-a', '4'], PASSPHRASE, undefined],
    ['ECDSA P-521', ['-t', 'ecdsa', '-b', '521'], '', undefined],
    ['RSA in OpenSSH form', ['-t', 'rsa', '-b', '3072'], '', undefined],
    ['RSA in PEM (PKCS #1), encrypted', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], PASSPHRASE, undefined],
    ['ECDSA in PEM (SEC 1)', ['-t', 'ecdsa', '-m', 'PEM'], '', undefined],
    ['RSA in PKCS #8', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], '', (pem: string) => pkcs8(pem)],
    ['ECDSA in PKCS #8, encrypted', ['-t', 'ecdsa', '-m', 'PEM'], '', (pem: string) => pkcs8(pem, PASSPHRASE)],
  ] as const) {
    it(`signs in with ${name}, and only by public key`, async () => {
      const key = await generateKey(type, passphrase);
      await sshd.authorize(key.publicKey);
      const pem = convert === undefined ? key.privateKey : convert(key.privateKey);
      const seen = await signIn(
        privateKey(sshd.username, pem, passphrase !== '' || name.includes('encrypted') ? PASSPHRASE : undefined),
      );
      assert.deepEqual([...new Set(seen)], ['publickey']);
    });
  }

  it('signs in with an Ed25519 key in PKCS #8, encrypted', async () => {
    const pair = generateKeyPairSync('ed25519');
    const raw = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
    await sshd.authorize(
      `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')}`,
    );
    const pem = pair.privateKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
      .toString();
    assert.ok((await signIn(privateKey(sshd.username, pem, PASSPHRASE))).includes('publickey'));
  });

  it('says that a key cannot be read, before the target sees an attempt, and never quotes it', async () => {
    const key = await generateKey(['-t', 'ed25519', '-a', '4'], PASSPHRASE);
    const from = sshd.attempts().length;
    for (const credential of [
      privateKey(sshd.username, key.privateKey, 'wrong'),
      privateKey(sshd.username, key.privateKey),
      privateKey(sshd.username, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'),
      privateKey(sshd.username, 'canary-of-a-key'),
    ]) {
      await assert.rejects(
        signIn(credential),
        (error) =>
          isFault(error, 'CREDENTIAL_UNREADABLE') &&
          !JSON.stringify([error.message, error.facts, String(error.cause)]).includes('canary'),
      );
    }
    assert.equal(sshd.attempts().length, from);
  });

  it('signs in by password where keyboard-interactive is off, and by PAM where password is off', async () => {
    await using plain = await startSshd({ config: ['KbdInteractiveAuthentication no'], hostKeyTypes: ['ed25519'] });
    await using pam = await startSshd({ config: ['PasswordAuthentication no'], hostKeyTypes: ['ed25519'] });
    assert.deepEqual(await signIn(password(plain.username, plain.password), plain), ['password']);
    assert.deepEqual(await signIn(password(pam.username, pam.password), pam), ['keyboard-interactive']);
  });

  it('offers a wrong password once, and says that it was refused', async () => {
    const from = sshd.attempts().length;
    await assert.rejects(
      signIn(password(sshd.username, 'wrong')),
      (error) => isFault(error, 'CREDENTIAL_REFUSED') && !error.message.includes('wrong'),
    );
    assert.equal(sshd.attempts().slice(from).length, 1);
    await assert.rejects(signIn(password('no-such-account', sshd.password)), { code: 'CREDENTIAL_REFUSED' });
    const stranger = await generateKey(['-t', 'ed25519']);
    await assert.rejects(signIn(privateKey(sshd.username, stranger.privateKey)), { code: 'CREDENTIAL_REFUSED' });
  });

  it("shows the person the target's own second question after the key was accepted", async () => {
    await using server = await startSshd({
      config: ['AuthenticationMethods publickey,keyboard-interactive'],
      hostKeyTypes: ['ed25519'],
    });
    const key = await generateKey(['-t', 'ed25519']);
    await server.authorize(key.publicKey);
    const asked: Prompt[] = [];
    const target = sshdTarget(server);
    const hop = {
      target,
      credential: privateKey(server.username, key.privateKey),
      pinned: pinnedKeys(target, server.hostKeys),
    };
    await using client = await openJourney({
      hops: [hop],
      ask: async (prompt) => {
        asked.push(prompt);
        return [server.password];
      },
    });
    assert.deepEqual(
      asked.map((prompt) => [prompt.origin, prompt.fields]),
      [['target', [{ text: 'Password: ', echo: false }]]],
    );
    await assert.rejects(openJourney({ hops: [hop], ask: async () => ['wrong'] }), { code: 'CREDENTIAL_REFUSED' });
    await assert.rejects(
      openJourney({ hops: [hop], ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'left')) }),
      { code: 'PROMPT_ABANDONED' },
    );
    await assert.rejects(
      openJourney({ hops: [hop], limits: { answerMs: 50 }, ask: () => new Promise(() => undefined) }),
      { code: 'PROMPT_ABANDONED' },
    );
    client.session.input(Buffer.from('exit\n'));
    assert.equal((await client.session.ended).exitCode, 0);
  });

  it('does not count the time that a person takes as time of the handshake', async () => {
    const target = sshdTarget(sshd);
    const clock = new ManualClock();
    const slow = (): Promise<Credential> => {
      clock.advance(30_000);
      return password(sshd.username, sshd.password)();
    };
    const limits = { handshakeMs: 20_000, answerMs: 180_000 };
    await using _client = await openJourney({ hops: [{ target, credential: slow }], clock, limits });
  });

  it('shows a changed host key no credential: the server sees no attempt at all', async () => {
    await using server = await startSshd();
    const target = sshdTarget(server);
    const pinned = pinnedKeys(target, server.hostKeys);
    await server.changeHostKeys();
    let fetched = false;
    const credential = (): Promise<Credential> => {
      fetched = true;
      return password(server.username, server.password)();
    };
    await assert.rejects(openJourney({ hops: [{ target, credential, pinned }] }), { code: 'HOST_KEY_CHANGED' });
    assert.equal(fetched, false);
    assert.doesNotMatch(server.log(), /userauth-request/u);
  });

  it('asks the target for the type of key that is pinned', async () => {
    for (const keyType of ['ecdsa-sha2-nistp256', 'ssh-rsa', 'ssh-ed25519']) {
      const target = sshdTarget(sshd);
      const pinned = pinnedKeys(target, sshd.hostKeys).filter((key) => key.keyType === keyType);
      const trace: Trace = { steps: [], shown: [] };
      await using client = await openJourney(
        { hops: [{ target, credential: password(sshd.username, sshd.password), pinned }] },
        trace,
      );
      assert.equal(trace.shown[0]?.keyType, keyType);
      assert.equal(client.session.facts['hostKey'], pinned[0]?.fingerprint);
    }
  });
});
