import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { refusal } from '@enchilada/core/testing/refusal';
import { joinBytes, readU16, u16le, u32le } from '../codec/bytes.ts';
import { clientInfo } from '../codec/client-info.ts';
import { DOMAIN, dataTpdu, parseSendData, sendData, tpduBody } from '../codec/mcs.ts';
import { PduFramer } from '../codec/pdu-framer.ts';
import { parseConnectResponse } from '../codec/settings.ts';
import { SHARE, frameAcknowledge, parseShare } from '../codec/share.ts';
import { serverEncryption, StandardSecurity } from './standard-security.ts';
import { StandardServer, connectResponseWith, indication, securityBlock } from './standard-server.ts';
import { unsignedCertificate } from './unsigned-certificate.ts';

const [USER, IO, CLIPBOARD] = [1007, 1003, 1005];
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const said = (data: Uint8Array, channel = IO): Uint8Array =>
  sendData({ choice: DOMAIN.sendDataRequest, initiator: USER, channel, data });
const dataOf = (pdu: Uint8Array): Uint8Array =>
  parseSendData(tpduBody(pdu) ?? new Uint8Array())?.data ?? new Uint8Array();
const pdus = (bytes: Uint8Array): readonly Uint8Array[] =>
  new PduFramer(() => new Error('cut'), 'encrypted').push(bytes);
const INFO = clientInfo({
  ...{ username: 'ada', domain: '', password: 'sesame' },
  ...{ shell: '', workingDirectory: '', performanceFlags: 0 },
});
const ACKNOWLEDGE = frameAcknowledge({ source: USER, shareId: 0x1_0001 }, 7);
/** A fast-path update without a picture, and the release of a key. */
const [UPDATE, KEY] = [Uint8Array.of(3, 0, 0), Uint8Array.of(1, 0x1e)];

/** A client and a server that have agreed on keys; the client has signed in. */
function agreed(options: ConstructorParameters<typeof StandardServer>[0] = {}) {
  const server = new StandardServer(options);
  let turn = 0;
  const client = new StandardSecurity(serverEncryption(server.response.slice()), (count) =>
    new Uint8Array(count).fill((turn += 1)),
  );
  const response = client.open(server.response.slice());
  const first = pdus(client.seal(said(INFO)));
  const heard = first.map((pdu) => server.hear(pdu));
  return { server, client, response, first, heard };
}

describe('Standard RDP Security', () => {
  for (const [bits, level] of [
    [40, 1],
    [40, 2],
    [56, 2],
    [128, 3],
  ] as const)
    it(`signs in with ${bits} bits at level ${level}, and the decoder sees none of it`, () => {
      const { server, client, response, first, heard } = agreed({ bits, level });
      assert.deepEqual(parseConnectResponse(response).channels, [1004, 1005]);
      assert.deepEqual(
        first.map((pdu) => readU16(dataOf(pdu), 0)),
        [0x0001, 0x0048],
        'a Security Exchange and a Client Info, encrypted',
      );
      assert.equal(hex(heard[1]), hex(INFO.subarray(4)));
      assert.equal(Buffer.from(first[1] ?? []).indexOf(Buffer.from('sesame', 'utf16le')), -1);

      assert.equal(hex(server.hear(client.seal(said(ACKNOWLEDGE)))), hex(ACKNOWLEDGE));
      assert.equal(hex(server.hear(client.seal(said(Buffer.from('clip'), CLIPBOARD)))), hex(Buffer.from('clip')));
      const input = client.seal(joinBytes(Uint8Array.of(1 << 2, 4), KEY));
      assert.deepEqual([input[0], hex(server.hear(input))], [0x84, hex(KEY)]);

      for (const flags of level === 1 ? [0, 8] : [8])
        assert.equal(hex(dataOf(client.open(server.say(ACKNOWLEDGE, IO, flags)))), hex(ACKNOWLEDGE));
      assert.equal(hex(client.open(server.fastPath(UPDATE))), hex(joinBytes(Uint8Array.of(0, 0x80, 6), UPDATE)));
    });

  it('passes MCS’s own words as they are', () => {
    const server = new StandardServer();
    const client = new StandardSecurity(serverEncryption(server.response.slice()), (count) => new Uint8Array(count));
    const initial = dataTpdu(Uint8Array.of(0x7f, 0x65, 0));
    assert.equal(hex(client.seal(initial)), hex(initial));
    client.open(server.response.slice());
    const attach = dataTpdu(Uint8Array.of(DOMAIN.attachUserRequest << 2));
    assert.equal(hex(client.seal(attach)), hex(attach));
    const confirm = dataTpdu(Uint8Array.of((DOMAIN.attachUserConfirm << 2) | 2, 0, 0, 6));
    assert.equal(hex(client.open(confirm)), hex(confirm));
  });

  it('opens what comes however the stream is cut, and seals what goes in order', () => {
    const message = fc.record({
      isFast: fc.boolean(),
      body: fc.uint8Array({ minLength: 1, maxLength: 400 }),
      channel: fc.constantFrom(IO, CLIPBOARD),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.nat(500), { maxLength: 12 }), (messages, cuts) => {
        const { server, client } = pair();
        const stream = joinBytes(
          ...messages.map(({ isFast, body, channel }) => (isFast ? server.fastPath(body) : server.say(body, channel))),
        );
        const opened: Uint8Array[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          opened.push(client.open(stream.subarray(at, Math.min(at + cut, stream.length))));
          at = Math.min(at + cut, stream.length);
        }
        const plain = messages.map(({ isFast, body, channel }) =>
          isFast
            ? joinBytes(Uint8Array.of(0, 0x80 | ((body.length + 3) >> 8), (body.length + 3) & 0xff), body)
            : indication(channel, body),
        );
        assert.equal(hex(joinBytes(...opened)), hex(joinBytes(...plain)));
        const going = messages.filter(({ channel }) => channel === CLIPBOARD).map(({ body }) => body);
        const sealed = pdus(client.seal(joinBytes(...going.map((body) => said(body, CLIPBOARD)))));
        assert.deepEqual(
          sealed.map((pdu) => hex(server.hear(pdu))),
          going.map(hex),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('leaves licences in clear until the server says that it takes others, and gives their header on without what anybody could add', () => {
    const { server, client } = agreed();
    const licence = joinBytes(u16le(0x80), u16le(0), Buffer.from('licence'));
    assert.equal(hex(client.seal(said(licence))), hex(said(licence)));
    const opened = dataOf(client.open(indication(IO, joinBytes(u16le(0x80), u16le(0x17), ACKNOWLEDGE))));
    assert.equal(parseShare(opened), undefined, 'no share PDU in clear');
    assert.equal(hex(opened), hex(joinBytes(u32le(0x80), ACKNOWLEDGE)));
    assert.equal(
      hex(dataOf(client.open(server.say(Buffer.from('more'), IO, 0x288)))),
      hex(joinBytes(u32le(0x80), Buffer.from('more'))),
    );
    const encrypted = client.seal(said(licence));
    assert.deepEqual([readU16(dataOf(encrypted), 0), hex(server.hear(encrypted))], [0x88, hex(Buffer.from('licence'))]);
  });

  it('takes signatures with a salt', () => {
    const { server, client } = agreed();
    for (const flags of [0x808, 8, 0x808])
      assert.equal(hex(dataOf(client.open(server.say(ACKNOWLEDGE, IO, flags)))), hex(ACKNOWLEDGE));
    const pdu = server.say(ACKNOWLEDGE);
    // Said to be salted, and not.
    const header = pdu.length - ACKNOWLEDGE.length - 12;
    pdu[header + 1] = 0x08;
    assert.match(
      refusal(() => client.open(pdu)),
      /signature of a PDU/u,
    );
  });

  it('salts signatures from the Confirm Active on where the server knows that, so that no two keys pressed look alike', () => {
    const { server, client } = agreed();
    const key = joinBytes(Uint8Array.of(1 << 2, 4), KEY);
    const pressed = (): readonly [number | undefined, string] => {
      const pdu = client.seal(key);
      assert.equal(hex(server.hear(pdu)), hex(KEY));
      return [pdu[0], hex(pdu.subarray(3, 11))];
    };
    assert.deepEqual(pressed(), pressed());
    client.open(server.say(activation('demandActive', 0)));
    server.hear(client.seal(said(activation('confirmActive', 0x400))));
    assert.equal(pressed()[0], 0x84, 'this one does not know it');

    client.open(server.say(activation('demandActive', 0x10)));
    assert.equal(pressed()[0], 0x84, 'it has not been told yet');
    const confirm = client.seal(said(activation('confirmActive', 0x400)));
    assert.equal(readU16(dataOf(confirm), 0), 8);
    assert.equal(hex(server.hear(confirm)), hex(activation('confirmActive', 0x410)));
    const [first, second] = [pressed(), pressed()];
    assert.deepEqual([first[0], second[0]], [0xc4, 0xc4]);
    assert.notEqual(first[1], second[1]);
    const slow = client.seal(said(ACKNOWLEDGE));
    assert.deepEqual([readU16(dataOf(slow), 0), hex(server.hear(slow))], [0x808, hex(ACKNOWLEDGE)]);
  });

  it('ends where a PDU is in clear, altered or cut, in either path', () => {
    for (const [make, words] of [
      [(server: StandardServer) => server.say(ACKNOWLEDGE, IO, 0), /in clear/u],
      [() => joinBytes(Uint8Array.of(0, 0x80, 6), UPDATE), /fast-path PDU in clear/u],
      [() => indication(IO, Uint8Array.of(8, 0, 0)), /security header/u],
      [() => indication(IO, joinBytes(u32le(8), new Uint8Array(7))), /within its signature/u],
      [() => Uint8Array.of(0x80, 9, 1, 2, 3, 4, 5, 6, 7), /within its signature/u],
      [(server: StandardServer) => flipped(server.say(ACKNOWLEDGE), -1), /signature of a PDU is wrong/u],
      [(server: StandardServer) => flipped(server.say(ACKNOWLEDGE), -ACKNOWLEDGE.length - 1), /signature of a PDU/u],
      [(server: StandardServer) => flipped(server.fastPath(UPDATE), -1), /signature of a PDU is wrong/u],
    ] as const) {
      const { server, client } = agreed();
      assert.match(
        refusal(() => client.open(make(server))),
        words,
      );
    }
  });

  it('ends where the server shows another key, or another encryption, than was accepted', () => {
    const accepted = serverEncryption(new StandardServer().response);
    const client = (): StandardSecurity => new StandardSecurity(accepted, (count) => new Uint8Array(count));
    assert.match(
      refusal(() => client().open(new StandardServer().response), 'HOST_KEY_CHANGED'),
      /another key/u,
    );
    const server = new StandardServer({ bits: 128, level: 3 });
    const weaker = { ...serverEncryption(server.response.slice()), bits: 40 as const };
    assert.match(
      refusal(() => new StandardSecurity(weaker, (count) => new Uint8Array(count)).open(server.response)),
      /otherwise than it had shown/u,
    );
  });

  it('sends nothing but under the key that was accepted, and nothing that is too long for it', () => {
    const { server, client } = agreed();
    const early = new StandardSecurity(serverEncryption(server.response.slice()), (count) => new Uint8Array(count));
    refusal(() => early.seal(said(INFO)), 'PROTOCOL_MESSAGE_INVALID');
    refusal(() => early.seal(joinBytes(Uint8Array.of(1 << 2, 4), KEY)), 'PROTOCOL_MESSAGE_INVALID');
    early.open(server.response.slice());
    refusal(() => early.seal(said(ACKNOWLEDGE)), 'PROTOCOL_MESSAGE_INVALID');

    const long = said(new Uint8Array(0x3fff - 15), CLIPBOARD);
    assert.equal(server.hear(client.seal(long))?.length, 0x3fff - 15);
    const longer = said(new Uint8Array(0x3fff - 14), CLIPBOARD);
    refusal(() => client.seal(joinBytes(said(ACKNOWLEDGE), longer)), 'PROTOCOL_MESSAGE_INVALID');
    assert.equal(hex(server.hear(client.seal(said(ACKNOWLEDGE)))), hex(ACKNOWLEDGE), 'in order with what was sent');
  });

  it('goes on over changes of the key', () => {
    for (const bits of [40, 56, 128] as const) {
      const { server, client } = agreed({ bits });
      for (let packet = 0; packet < 8_200; packet++) {
        assert.equal(hex(server.hear(client.seal(said(ACKNOWLEDGE)))), hex(ACKNOWLEDGE));
        assert.equal(hex(dataOf(client.open(server.say(ACKNOWLEDGE)))), hex(ACKNOWLEDGE));
      }
    }
  });
});

describe('what a server shows', () => {
  const shown = (options: ConstructorParameters<typeof StandardServer>[0]) => () =>
    serverEncryption(new StandardServer(options).response);

  it('is taken with a key of 512 bits, as old ones have', () => {
    const server = new StandardServer({ modulusBits: 512, bits: 40, level: 1 });
    const { key, bits, isMutual } = serverEncryption(server.response);
    assert.deepEqual([key.spki.equals(server.spki), bits, isMutual], [true, 40, false]);
  });

  it('is refused where its certificate is short, signed for another key, or has none', () => {
    for (const [certificate, words] of [
      [(whole: Uint8Array) => whole.subarray(0, -1), /no signature/u],
      [(whole: Uint8Array) => whole.subarray(0, 20), /certificate is none/u],
      [() => new Uint8Array(0), /certificate is none/u],
      [(whole: Uint8Array) => flipped(whole, -20), /signature of its certificate is wrong/u],
      [(whole: Uint8Array) => flipped(whole, 40), /signature of its certificate is wrong/u],
    ] as const)
      assert.match(refusal(shown({ certificate })), words);
  });

  it('is refused where its random has another length', () => {
    for (const length of [0, 31, 33, 300])
      assert.match(refusal(shown({ random: new Uint8Array(length) })), /random of \d+ bytes/u);
  });

  it('is refused where it encrypts nothing, or as FIPS says, or as nobody asked', () => {
    for (const [method, level, words] of [
      [0, 0, /encrypts nothing at all/u],
      [16, 4, /FIPS/u],
      [2, 9, /method 2 and level 9/u],
      [3, 3, /method 3 and level 3/u],
    ] as const) {
      const block = securityBlock(...[method, level, 32, 0].map(u32le), new Uint8Array(32));
      assert.match(
        refusal(() => serverEncryption(connectResponseWith(block)), 'TARGET_NO_COMMON_ALGORITHM'),
        words,
      );
    }
  });
});

describe('the certificate that a decoder is shown', () => {
  it('holds the machine’s key, and is signed by nobody', () => {
    const { spki } = new StandardServer();
    const certificate = new X509Certificate(unsignedCertificate('desk.example', spki));
    assert.ok(certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(spki));
    assert.equal(certificate.subject, 'CN=desk.example');
    assert.equal(certificate.verify(certificate.publicKey), false);
  });
});

/** Of a desktop with a general capability set alone. [MS-RDPBCGR] 2.2.1.13.1.1, 2.2.1.13.2.1 */
function activation(kind: 'demandActive' | 'confirmActive', extraFlags: number): Uint8Array {
  const set = joinBytes(...[1, 24, 1, 3, 0x200, 0, 0, extraFlags, 0, 0, 0, 0].map(u16le));
  const body = joinBytes(
    ...[u32le(0x1_0001), kind === 'confirmActive' ? u16le(0x3ea) : new Uint8Array(0)],
    ...[u16le(4), u16le(set.length + 4), Buffer.from('RDP\0'), u16le(1), u16le(0), set],
  );
  return joinBytes(u16le(body.length + 6), u16le(0x10 | SHARE[kind]), u16le(USER), body);
}

/** One of many runs, with a server whose key was made once: keys take long. */
const pair = ((): (() => Pick<ReturnType<typeof agreed>, 'server' | 'client'>) => {
  let made: ReturnType<typeof agreed> | undefined;
  return () => (made ??= agreed());
})();

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const out = bytes.slice();
  const place = at < 0 ? out.length + at : at;
  out[place] = (out[place] ?? 0) ^ 1;
  return out;
}
