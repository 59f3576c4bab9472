import assert from 'node:assert/strict';
import { createHash, createHmac, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import { isFault } from '@enchilada/core/fault';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { ascii, joinBytes, utf16 } from './codec/bytes.ts';
import { derChildren, derInner, explicit, integer, octets, readDer, sequence } from './codec/der.ts';
import { md4 } from './codec/md4.ts';
import { Rc4 } from './codec/rc4.ts';
import { connectionConfirm, PROTOCOL } from './codec/x224.ts';
import { Sealer } from './security/ntlm.ts';
import { openMachine, scriptedServer } from './testing.ts';

const ACCOUNT = { username: 'ada', password: 'sesame' };
/** Authorization results as they stand on the wire. [MS-RDPBCGR] 2.2.10.2 */
const SUCCESS = Buffer.from([0, 0, 0, 0]);
const ACCESS_DENIED = Buffer.from([5, 0, 0, 0]);

const certificate = new LoopbackCertificate();
after(() => certificate[Symbol.dispose]());

const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array =>
  createHmac('md5', key)
    .update(joinBytes(...parts))
    .digest();

function field(message: Buffer, number: number): Uint8Array {
  const found = derChildren(readDer(message)?.value ?? new Uint8Array()).find(({ tag }) => (tag & 0x1f) === number);
  return found === undefined ? new Uint8Array() : (derInner(found)?.value ?? new Uint8Array());
}

function tokenOf(message: Buffer): Buffer {
  const entry = readDer(field(message, 1));
  const inner = entry === undefined || entry === null ? undefined : readDer(entry.value);
  return Buffer.from(inner === undefined || inner === null ? new Uint8Array() : (derInner(inner)?.value ?? []));
}

/** The server's half of NTLMv2, for one account. [MS-NLMP] 3.2.5 */
class NtlmServer {
  readonly #challenge = Buffer.from('0123456789abcdef', 'hex');

  challenge(): Uint8Array {
    const message = Buffer.alloc(56);
    message.write('NTLMSSP\0', 'latin1');
    message.writeUInt32LE(2, 8);
    message.writeUInt32LE(0xe28a_8235, 20);
    this.#challenge.copy(message, 24);
    message.writeUInt32LE(48, 44);
    return message;
  }

  /** The key that both seal with, if name and password are those of the account. */
  sessionKey(message: Buffer): Uint8Array {
    const part = (at: number): Buffer =>
      message.subarray(message.readUInt32LE(at + 4), message.readUInt32LE(at + 4) + message.readUInt16LE(at));
    const response = part(20);
    const key = hmac(md4(utf16(ACCOUNT.password)), utf16(ACCOUNT.username.toUpperCase()));
    const [proof, temp] = [response.subarray(0, 16), response.subarray(16)];
    assert.deepEqual(Buffer.from(hmac(key, this.#challenge, temp)), proof, 'the proof of the password');
    return new Rc4(hmac(key, proof)).update(part(52));
  }
}

/** What proves that a machine holds the key of its certificate. [MS-CSSP] 3.1.5 */
function keyProof(shown: Buffer, version: number): Uint8Array {
  const key = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' });
  const bits = derChildren(readDer(key)?.value ?? new Uint8Array())[1]?.value.subarray(1) ?? new Uint8Array();
  const nonce = field(shown, 5);
  if (version < 5) {
    assert.equal(nonce.length, 0, 'no nonce for a machine that knows none');
    return joinBytes(Uint8Array.of((bits[0] ?? 0) + 1), bits.subarray(1));
  }
  return createHash('sha256')
    .update(joinBytes(ascii('CredSSP Server-To-Client Binding Hash\0'), nonce, bits))
    .digest();
}

/** A machine that chooses HYBRID_EX, proves its certificate, takes the credential, and then says this. */
function authorises(
  result: Buffer,
  heard: (bytes: Buffer) => void,
  { version: spoken = 6, proof = keyProof, took = (): void => undefined } = {},
): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', () => {
      socket.write(connectionConfirm(0, PROTOCOL.hybridEx));
      const tls = new TLSSocket(socket, { isServer: true, key: certificate.key, cert: certificate.cert });
      tls.on('error', () => undefined);
      const next = (): Promise<Buffer> => new Promise((resolve) => tls.once('data', resolve));
      const talk = async (): Promise<void> => {
        const ntlm = new NtlmServer();
        await next();
        const version = explicit(0, integer(spoken));
        tls.write(sequence(version, explicit(1, sequence(sequence(explicit(0, octets(ntlm.challenge())))))));
        const shown = await next();
        const sealer = new Sealer(ntlm.sessionKey(tokenOf(shown)), 'server-to-client');
        tls.write(sequence(version, explicit(3, octets(sealer.seal(proof(shown, spoken))))));
        const credential = await next();
        took();
        assert.ok(field(credential, 2).length > 0, 'the credential');
        tls.on('data', heard);
        if (result.length > 0) tls.write(result);
        else tls.destroy();
      };
      tls.once('secure', () => void talk());
    });
  };
}

describe('early user authorisation', () => {
  it('goes on to the connection where the machine lets the account in', async () => {
    const heard: Buffer[] = [];
    await using server = await scriptedServer(authorises(SUCCESS, (bytes) => heard.push(bytes)));
    await using session = await openMachine({ ...server, ...ACCOUNT });
    assert.equal(session.facts['security'], 'network level authentication (NTLM)');
    assert.equal(heard.length, 0, 'nothing before there is a viewer');
  });

  for (const [what, result, code, words] of [
    ['says that it does not', ACCESS_DENIED, 'CREDENTIAL_REFUSED', /password are right.*does not let this account/u],
    ['gives another answer', Buffer.from([1, 0, 0, 0]), 'CREDENTIAL_REFUSED', /it says 1/u],
    ['hangs up instead', Buffer.alloc(0), 'TARGET_DISCONNECTED', /./u],
  ] as const) {
    it(`ends with a reason where the machine ${what}`, async () => {
      let behind = 0;
      await using server = await scriptedServer(authorises(result, (bytes) => (behind += bytes.length)));
      await assert.rejects(openMachine({ ...server, ...ACCOUNT }), (failure: unknown) => {
        assert.ok(isFault(failure, code), String(failure));
        assert.match(failure.message, words);
        return true;
      });
      assert.equal(behind, 0, 'nothing is said behind it');
    });
  }

  it('gives up on half an answer', async () => {
    await using server = await scriptedServer(authorises(SUCCESS.subarray(0, 3), () => undefined));
    const opening = openMachine({ ...server, ...ACCOUNT, limits: { handshakeMs: 1_000 } });
    await assert.rejects(opening, (failure: unknown) => isFault(failure, 'TARGET_TIMED_OUT'));
  });
});

describe('versions of CredSSP', () => {
  for (const version of [2, 3, 4, 5, 6]) {
    it(`signs in to a machine that speaks version ${version}`, async () => {
      let credentials = 0;
      const took = () => void (credentials += 1);
      await using server = await scriptedServer(authorises(SUCCESS, () => undefined, { version, took }));
      await using session = await openMachine({ ...server, ...ACCOUNT });
      assert.equal(session.facts['security'], 'network level authentication (NTLM)');
      assert.equal(credentials, 1);
    });

    it(`gives no password to one of version ${version} that does not hold the key of its certificate`, async () => {
      let credentials = 0;
      const took = () => void (credentials += 1);
      const proof = (shown: Buffer, spoken: number): Uint8Array => {
        const [first = 0, ...rest] = keyProof(shown, spoken);
        return Uint8Array.of(first ^ 1, ...rest);
      };
      await using server = await scriptedServer(authorises(SUCCESS, () => undefined, { version, proof, took }));
      await assert.rejects(openMachine({ ...server, ...ACCOUNT }), { code: 'HOST_KEY_REJECTED' });
      assert.equal(credentials, 0);
    });
  }
});
