import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { altered } from '@enchilada/core/testing/corpus';
import { refusal } from '@enchilada/core/testing/refusal';
import { StandardServer, securityBlock } from '../security/standard-server.ts';
import { joinBytes, u32le } from './bytes.ts';
import { parseServerCertificate, parseServerSecurity, withoutEncryption } from './server-security.ts';
import { parseConnectResponse, serverSecurityOf } from './settings.ts';

const server = new StandardServer({ bits: 40, level: 2 });
const whole = parseServerSecurity(server.security).certificate;

const changed = (at: number, value: number): Uint8Array => {
  const bytes = whole.slice();
  bytes[at] = value;
  return bytes;
};

describe('the security data of a server', () => {
  it('are read whole', () => {
    const { method, level, random } = parseServerSecurity(server.security);
    assert.deepEqual([method, level, random.length], [1, 2, 32]);
    const { key, signature } = parseServerCertificate(whole);
    assert.deepEqual([key.modulus.length, signature.length], [128, 64]);
  });

  it('say that nothing is encrypted, in as few bytes as that takes', () => {
    const nothing = parseServerSecurity(securityBlock(u32le(0), u32le(0)));
    assert.deepEqual([nothing.method, nothing.level, nothing.certificate.length], [0, 0, 0]);
  });

  it('are refused where they end early, or the random is of another length', () => {
    for (const length of [4, 11, 12, 19, 30, server.security.length - 1])
      assert.match(
        refusal(() => parseServerSecurity(server.security.subarray(0, length))),
        /early/u,
      );
    const random = [2, 3, 33, 0].map(u32le);
    assert.match(
      refusal(() => parseServerSecurity(securityBlock(...random, new Uint8Array(33)))),
      /random of 33 bytes/u,
    );
    const endless = [2, 3, 32, 0xffff_ffff].map(u32le);
    assert.match(
      refusal(() => parseServerSecurity(securityBlock(...endless, new Uint8Array(64)))),
      /early/u,
    );
  });

  it('become those of a server with TLS', () => {
    const { response } = new StandardServer();
    assert.match(
      refusal(() => parseConnectResponse(response)),
      /encryption of its own inside TLS/u,
    );
    withoutEncryption(serverSecurityOf(response));
    assert.deepEqual(parseConnectResponse(response).channels, [1004, 1005]);
  });
});

describe('a server’s certificate', () => {
  it('is refused at whatever byte it ends', () => {
    for (let length = 0; length < whole.length; length++)
      refusal(() => parseServerCertificate(whole.subarray(0, length)));
  });

  it('is refused with words for what is wrong with it', () => {
    for (const [bytes, words] of [
      [changed(0, 7), /certificate is none/u],
      [changed(4, 2), /not one of RSA/u],
      [changed(8, 2), /not one of RSA/u],
      [changed(12, 5), /no key/u],
      [changed(16, 0x53), /no key/u],
      [changed(20, 9), /a key of \d+ bits/u],
      [changed(25, 0xff), /a key of 1024 bits/u],
      [changed(14, 0x10), /within its key/u],
      [changed(whole.length - 76, 9), /no signature/u],
      [changed(whole.length - 74, 71), /no signature/u],
    ] as const)
      assert.match(
        refusal(() => parseServerCertificate(bytes)),
        words,
      );
    assert.match(
      refusal(() => parseServerCertificate(changed(0, 2)), 'TARGET_NO_COMMON_ALGORITHM'),
      /licence server/u,
    );
  });

  it('may be a temporary one', () => {
    assert.equal(parseServerCertificate(changed(3, 0x80)).key.modulus.length, 128);
  });

  it('is read or refused, whatever its bytes are', () => {
    fc.assert(
      fc.property(altered(whole), fc.uint8Array({ maxLength: 60 }), (bytes, tail) => {
        for (const hostile of [bytes, joinBytes(bytes.subarray(0, 40), tail)])
          try {
            const { key, signature } = parseServerCertificate(hostile);
            assert.ok(key.modulus.length >= 64 && signature.length === 64);
          } catch (failure) {
            assert.ok(
              isFault(failure, 'TARGET_PROTOCOL_VIOLATION') || isFault(failure, 'TARGET_NO_COMMON_ALGORITHM'),
              String(failure),
            );
          }
      }),
      { numRuns: 2_000 },
    );
  });
});
