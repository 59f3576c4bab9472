import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { joinBytes, readU16, readU32, u16le, u32le } from './bytes.ts';
import { clientInfo } from './client-info.ts';
import {
  attachedUser,
  channelJoinConfirm,
  domainChoice,
  DOMAIN,
  joinedChannel,
  parseSendData,
  sendData,
  settingsBlocks,
  tpduBody,
} from './mcs.ts';
import {
  connectInitial,
  connectResponse,
  parseConnectInitial,
  parseConnectResponse,
  type ClientSettings,
} from './settings.ts';
import { DATA, deactivateAll, demandedSize, frameAcknowledge, parseShare, refreshRect } from './share.ts';

const SETTINGS: ClientSettings = {
  size: { width: 1280, height: 800 },
  scale: undefined,
  skipsChannelJoin: false,
  channels: ['drdynvc', 'cliprdr'],
  keyboardLayout: 0x807,
  colourDepth: 32,
  clientName: 'enchilada',
  selectedProtocol: 8,
  console: false,
};

/** The client's core data, found by its head. */
function coreOf(pdu: Uint8Array): Uint8Array {
  const at = Buffer.from(pdu).indexOf(Buffer.from([0x01, 0xc0, 0xd8, 0x00]));
  assert.ok(at > 0);
  return pdu.subarray(at);
}

describe('MCS settings', () => {
  it('reads what it says for a client', () => {
    const wishes = parseConnectInitial(connectInitial(SETTINGS));
    assert.deepEqual(wishes, {
      size: SETTINGS.size,
      keyboardLayout: 0x807,
      scale: undefined,
      skipsChannelJoin: false,
      channels: ['drdynvc', 'cliprdr'],
    });
  });

  it('asks for 32 bits, tells the protocol that was chosen, and a build that xrdp resizes for', () => {
    const core = coreOf(connectInitial(SETTINGS));
    assert.equal(readU16(core, 140), 24);
    assert.equal(readU16(core, 144) & 2, 2);
    assert.equal(readU32(core, 212), 8);
    assert.notEqual(readU32(core, 20), 0);
    const small = coreOf(connectInitial({ ...SETTINGS, colourDepth: 16 }));
    assert.deepEqual([readU16(small, 140), readU16(small, 144) & 2], [16, 0]);
  });

  it('announces neither compression nor anything beside the list of channels', () => {
    const pdu = Buffer.from(connectInitial(SETTINGS));
    const at = pdu.indexOf('cliprdr');
    assert.equal(pdu.readUInt32LE(at + 8), 0x8000_0000);
    assert.equal(pdu.includes('rdpsnd'), false);
  });

  it('asks for the administrative session only where the machine’s settings do', () => {
    const cluster = Buffer.from([0x04, 0xc0, 12, 0, 0x0f]);
    assert.equal(Buffer.from(connectInitial(SETTINGS)).includes(cluster), false);
    assert.equal(Buffer.from(connectInitial({ ...SETTINGS, console: true })).includes(cluster), true);
  });

  it('reads what a server answers, with any number of channels', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 65_535 }), { maxLength: 31 }), (channels) => {
        const settings = { io: 1003, channels, version: 0x0008_0004, early: 5 };
        assert.deepEqual(parseConnectResponse(connectResponse(settings, 1)), settings);
      }),
    );
  });

  it('takes any bytes as settings, or refuses them', () => {
    const [initial, response] = [
      connectInitial(SETTINGS),
      connectResponse({ io: 1003, channels: [1004], version: 1, early: 0 }, 1),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(initial, response),
        fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 8 }),
        fc.nat(600),
        (whole, changes, cut) => {
          const bytes = whole.slice(0, whole.length - (cut % 3 === 0 ? cut % whole.length : 0));
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          for (const [parse, code] of [
            [parseConnectInitial, 'PROTOCOL_MESSAGE_INVALID'],
            [parseConnectResponse, 'TARGET_PROTOCOL_VIOLATION'],
          ] as const)
            try {
              parse(bytes);
            } catch (failure) {
              assert.ok(isFault(failure, code) || isFault(failure, 'TARGET_PROTOCOL_VIOLATION'), String(failure));
            }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('refuses desktops of no or of absurd size', () => {
    for (const [width, height] of [
      [0, 768],
      [1024, 0],
      [65_535, 65_535],
      [8193, 600],
      [100, 100],
    ] as const)
      assert.throws(() => parseConnectInitial(connectInitial({ ...SETTINGS, size: { width, height } })), {
        code: 'PROTOCOL_MESSAGE_INVALID',
      });
  });
});

describe('MCS', () => {
  it('reads the data that it wrote, whatever its length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 16_000 }), fc.integer({ min: 1001, max: 60_000 }), (data, channel) => {
        const pdu = sendData({ choice: DOMAIN.sendDataRequest, initiator: 1007, channel, data });
        assert.equal((pdu[2]! << 8) | pdu[3]!, pdu.length);
        const sent = parseSendData(tpduBody(pdu)!);
        assert.deepEqual(sent && { ...sent, data: Buffer.from(sent.data) }, {
          choice: DOMAIN.sendDataRequest,
          initiator: 1007,
          channel,
          data: Buffer.from(data),
        });
      }),
      { numRuns: 100 },
    );
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom([], [0x2e], [0x3e], [0x64], [0x68]),
        fc.uint8Array({ maxLength: 60 }),
        (head, rest) => {
          const bytes = Uint8Array.from([...head, ...rest]);
          tpduBody(bytes);
          domainChoice(bytes);
          attachedUser(bytes);
          joinedChannel(bytes);
          const sent = parseSendData(bytes);
          assert.ok(sent === undefined || sent.data.length <= bytes.length);
          settingsBlocks(bytes);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('confirms a channel as T.125 has it', () => {
    assert.equal(Buffer.from(channelJoinConfirm(1007, 1004)).toString('hex'), '0300000f02f0803e00000603ec03ec');
    assert.equal(joinedChannel(Uint8Array.of(0x38, 0, 6, 3, 0xec)), 1004);
    assert.equal(joinedChannel(Uint8Array.of(0x38, 0)), undefined);
  });
});

describe('the Client Info PDU', () => {
  const PARTS = { shell: '', workingDirectory: '', performanceFlags: 0x81 };

  it('holds domain, name and password, and asks to sign in by itself', () => {
    const info = Buffer.from(clientInfo({ domain: 'CORP', username: 'ada', password: 'sésame', ...PARTS }));
    assert.equal(info.readUInt16LE(0), 0x40);
    assert.equal(info.readUInt32LE(8) & 0x18, 0x18);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((index) => info.readUInt16LE(12 + 2 * index)),
      [8, 6, 12, 0, 0],
    );
    assert.ok(info.includes(Buffer.from('CORP\0ada\0sésame\0', 'utf16le')));
    // No auto-reconnect cookie, at the very end; the flags of the performance in front of it.
    assert.equal(info.readUInt32LE(info.length - 6), 0x81);
    assert.equal(info.readUInt16LE(info.length - 2), 0);
  });

  it('names the program in place of the desktop, and its folder', () => {
    const [shell, workingDirectory] = ['C:\\Tools\\größe.exe', 'C:\\Tools'];
    const info = Buffer.from(
      clientInfo({ domain: '', username: 'ada', password: '', ...PARTS, shell, workingDirectory }),
    );
    assert.deepEqual(
      [3, 4].map((index) => info.readUInt16LE(12 + 2 * index)),
      [shell, workingDirectory].map((text) => 2 * text.length),
    );
    assert.ok(info.includes(Buffer.from(`ada\0\0${shell}\0${workingDirectory}\0`, 'utf16le')));
  });

  it('leaves the sign-in to the person where there is no password, and asks for no compression', () => {
    const info = Buffer.from(clientInfo({ domain: '', username: 'ada', password: '', ...PARTS }));
    assert.equal(info.readUInt32LE(8) & 0x8, 0);
    assert.equal(info.readUInt32LE(8) & 0x1e80, 0);
  });
});

describe('share PDUs', () => {
  const origin = { source: 1007, shareId: 0x0001_03ea };

  it('reads the PDUs that the gateway itself sends', () => {
    const frame = parseShare(frameAcknowledge(origin, 7));
    assert.equal(frame?.data?.type, DATA.frameAcknowledge);
    assert.equal(readU32(frame.data.body, 0), 7);
    const refresh = parseShare(refreshRect(origin, 799, 599));
    assert.deepEqual([refresh?.shareId, refresh?.data?.type], [origin.shareId, DATA.refreshRect]);
    const over = deactivateAll(origin.shareId, 0x3ea);
    assert.deepEqual([over.length, readU16(over, 0), parseShare(over)?.type], [13, 13, 6]);
  });

  it('finds the size among the capabilities, whatever stands in front', () => {
    const set = (type: number, body: Uint8Array): Uint8Array => joinBytes(u16le(type), u16le(body.length + 4), body);
    const bitmap = joinBytes(...[32, 1, 1, 1, 1366, 768, 0, 1, 1, 0, 1, 0].map(u16le));
    const sets = joinBytes(u16le(2), u16le(0), set(1, new Uint8Array(20)), set(2, bitmap));
    const head = joinBytes(u16le(0), u16le(0x11), u16le(0x3ea), u32le(1), u16le(4), u16le(sets.length));
    assert.deepEqual(demandedSize(joinBytes(head, Uint8Array.of(82, 68, 80, 0), sets)), { width: 1366, height: 768 });
    assert.equal(demandedSize(head), undefined);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        parseShare(bytes);
        demandedSize(bytes);
        parseSendData(bytes);
      }),
      { numRuns: 3_000 },
    );
  });
});
