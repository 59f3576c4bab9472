import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  certificateRequest,
  SecretBytes,
  type AuthorityKey,
  type AuthorityKeySealer,
  type CertificateTerms,
  type Credential,
} from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { systemClock } from '@enchilada/core/testing/authorized';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { createUserAuthority } from './authority/index.ts';
import { openJourney, pinnedKeys, sshdTarget, until } from './testing.ts';

const run = promisify(execFile);
const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };

/** An envelope that this test alone can open. */
function sealerInMemory(): AuthorityKeySealer {
  const key = randomBytes(32);
  const nonce = randomBytes(12);
  return {
    async seal(id, secret) {
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id));
      const ciphertext = Buffer.concat([cipher.update(secret.reveal()), cipher.final(), cipher.getAuthTag()]);
      return { keyId: 'k', wrappedKey: new Uint8Array(1), nonce, ciphertext };
    },
    async open(id, { ciphertext }) {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce)
        .setAAD(Buffer.from(id))
        .setAuthTag(ciphertext.subarray(-16));
      return new SecretBytes(Buffer.concat([decipher.update(ciphertext.subarray(0, -16)), decipher.final()]));
    },
  };
}

/** An authority whose keys lie in a list. */
function anAuthority() {
  const keys: AuthorityKey[] = [];
  const store = {
    now: { authority: { current: async () => keys.find(({ state }) => state === 'current') } },
  } as unknown as Store;
  const authority = createUserAuthority({ store, sealer: sealerInMemory(), clock: systemClock, random });
  return { keys, authority };
}

describe('certificates against OpenSSH', () => {
  const { keys, authority } = anAuthority();
  let sshd: Sshd;
  let trustFile: string;
  let revoked: string;
  before(async () => {
    sshd = await startSshd({ hostKeyTypes: ['ed25519'] });
    trustFile = join(sshd.directory, 'user_ca.pub');
    revoked = join(sshd.directory, 'revoked');
    await run('ssh-keygen', ['-k', '-f', revoked]);
    keys.push(await authority.makeKey('current'));
    await writeFile(trustFile, authority.trust(keys).file);
    await sshd.reconfigure([`TrustedUserCAKeys ${trustFile}`, `RevokedKeys ${revoked}`]);
  });
  after(() => sshd[Symbol.asyncDispose]());

  const terms: CertificateTerms = { principals: [], minutes: 3, sourceNetworks: [] };
  const person = { id: 'usr_1', username: 'alice' };
  type Issued = Extract<Credential, { kind: 'certificate' }>;
  async function issue(change: Partial<CertificateTerms> = {}, now = Date.now()): Promise<Issued> {
    const username = sshd.username;
    const request = certificateRequest(
      { ...terms, ...change },
      { person, username, sessionId: 'ses_1', purpose: 'session' },
      now,
    );
    const { principals, notAfter } = request;
    return { kind: 'certificate', username, principals, notAfter, ...(await authority.issue(request)) };
  }
  const signIn = async (credential: Issued): Promise<readonly string[]> => {
    const from = sshd.attempts().length;
    const target = sshdTarget(sshd);
    await using client = await openJourney({
      hops: [{ target, credential: async () => credential, pinned: pinnedKeys(target, sshd.hostKeys) }],
    });
    client.session.input(Buffer.from('echo I am $(id -un).\n'));
    await until(() => client.output().includes(`I am ${sshd.username}.`));
    return sshd.attempts().slice(from);
  };
  const refused = (credential: Issued) =>
    assert.rejects(
      signIn(credential),
      (error) => isFault(error, 'CERTIFICATE_REFUSED') && error.message.includes(credential.serial),
    );

  it('signs in with a certificate alone, and the machine logs the person, the session and the serial', async () => {
    const credential = await issue();
    assert.deepEqual([...new Set(await signIn(credential))], ['publickey']);
    assert.match(
      sshd.log(),
      new RegExp(`ID "?user=alice id=usr_1 session=ses_1"? \\(serial ${credential.serial}\\) CA ED25519`, 'u'),
    );
  });

  it('writes what ssh-keygen reads: names, validity, networks, and no more than a terminal', async () => {
    const credential = await issue({ sourceNetworks: ['127.0.0.0/8', '10.0.0.0/8'] });
    const file = join(sshd.directory, 'certificate.pub');
    await writeFile(file, credential.certificate);
    const { stdout } = await run('ssh-keygen', ['-L', '-f', file]);
    assert.match(stdout, /Type: ssh-ed25519-cert-v01@openssh.com user certificate/u);
    assert.match(stdout, /Key ID: "user=alice id=usr_1 session=ses_1"/u);
    assert.match(stdout, new RegExp(`Serial: ${credential.serial}\\n`, 'u'));
    assert.match(stdout, /source-address 127.0.0.0\/8,10.0.0.0\/8/u);
    assert.deepEqual(/Extensions: \n([\s\S]*)$/u.exec(stdout)?.[1]?.trim().split(/\s+/u), ['permit-pty']);
    assert.match(stdout, new RegExp(`Signing CA: ED25519 ${keys[0]?.fingerprint.replaceAll('+', '\\+')}`, 'u'));
    assert.ok((await signIn(credential)).length > 0);
  });

  it('says in words that the machine refused it: another name, another network, not trusted', async () => {
    await refused(await issue({ principals: ['somebody-else'] }));
    await refused(await issue({ sourceNetworks: ['192.0.2.0/24'] }));
    const other = anAuthority();
    other.keys.push(await other.authority.makeKey('current'));
    const { notAfter, principals, username } = await issue();
    const foreign = await other.authority.issue({
      ...{ keyId: 'x', principals, notAfter, notBefore: 0, sourceNetworks: [], purpose: 'session' },
    });
    await refused({ kind: 'certificate', username, principals, notAfter, ...foreign });
  });

  it('shows an expired certificate to nobody, and the machine takes none that we think good and it does not', async () => {
    const from = sshd.attempts().length;
    const expired = await issue({}, Date.now() - 3_600_000);
    await assert.rejects(
      signIn(expired),
      (error) => isFault(error, 'CERTIFICATE_REFUSED') && /expired/u.test(error.message),
    );
    assert.equal(sshd.attempts().length, from);
    await refused({ ...expired, notAfter: Date.now() + 60_000 });
  });

  it('is refused where the machine holds it revoked, by serial', async () => {
    const credential = await issue();
    await signIn(credential);
    const [caFile, spec] = [join(sshd.directory, 'ca.pub'), join(sshd.directory, 'revocation')];
    await writeFile(caFile, `${keys[0]?.publicKey}\n`);
    await writeFile(spec, `serial: ${credential.serial}\n`);
    await run('ssh-keygen', ['-k', '-f', revoked, '-s', caFile, spec]);
    await refused(credential);
    await signIn(await issue());
  });

  it('passes from one signing key to the next while machines trust both', async () => {
    const old = await issue();
    const next = await authority.makeKey('next');
    await writeFile(trustFile, authority.trust([...keys, next]).file);
    keys.splice(0, 1, { ...(keys[0] as AuthorityKey), state: 'previous' }, { ...next, state: 'current' });
    const fresh = await issue();
    await signIn(old);
    await signIn(fresh);
    await writeFile(trustFile, authority.trust(keys.slice(1)).file);
    await refused(old);
    await signIn(fresh);
  });

  it('signs with a key of its own each time, under a serial of its own', async () => {
    const certificates = await Promise.all(Array.from({ length: 20 }, () => issue()));
    assert.equal(new Set(certificates.map(({ serial }) => serial)).size, 20);
    assert.equal(new Set(certificates.map(({ certificate }) => certificate)).size, 20);
    const [one, two] = certificates;
    assert.ok(one !== undefined && two !== undefined);
    // The certificate of one session is worth nothing with the key of another.
    await refused({ ...one, sign: two.sign });
  });
});
