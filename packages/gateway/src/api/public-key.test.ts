import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { parsePublicKey } from './public-key.ts';

const ED25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';

test('a key is read as files of OpenSSH hold it', () => {
  for (const text of [
    `ssh-ed25519 ${ED25519}`,
    `ssh-ed25519 ${ED25519} ann@laptop\n`,
    `# web-1:22 SSH-2.0-OpenSSH\nweb-1,10.0.0.1 ssh-ed25519 ${ED25519}\n`,
    `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 ${ED25519}`,
  ]) {
    const { keyType, key } = parsePublicKey(text);
    assert.equal(keyType, 'ssh-ed25519');
    assert.equal(Buffer.from(key).toString('base64'), ED25519);
  }
});

test('a certificate is read as PEM, the first where there are several, whatever stands around it', () => {
  using own = new LoopbackCertificate();
  using issuer = new LoopbackCertificate();
  const { raw, fingerprint256 } = new X509Certificate(own.cert);
  for (const text of [
    own.cert,
    own.cert.replaceAll('\n', '\r\n'),
    `depth=0 CN = loopback\n${own.cert}\n${issuer.cert}`,
  ]) {
    const read = parsePublicKey(text);
    assert.equal(read.keyType, 'x509');
    assert.deepEqual(Buffer.from(read.key), raw);
    const digest = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64');
    assert.equal(read.fingerprint, `SHA256:${digest.replaceAll('=', '')}`);
  }
});

test('what is neither is refused in words', () => {
  using own = new LoopbackCertificate();
  for (const text of [
    '',
    'a key',
    `ssh-rsa ${ED25519}`,
    ED25519,
    own.cert.replace('M', 'A'),
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    own.key,
  ])
    assert.throws(
      () => parsePublicKey(text),
      (thrown) => isFault(thrown, 'INVALID_REQUEST'),
      text,
    );
});
