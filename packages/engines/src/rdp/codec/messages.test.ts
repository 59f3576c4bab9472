import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { invalid, joinBytes, u16le, u32le, violation } from './bytes.ts';
import { ClipboardChannel } from './clipboard.ts';
import { clientInfo } from './client-info.ts';
import { DISPLAY_CONTROL, DynamicChannels } from './dynamic-channels.ts';
import type { ErrorInfo } from './error-info.ts';
import { DOMAIN, sendData } from './mcs.ts';
import { PduFramer } from './pdu-framer.ts';
import { startingState, type RdpState } from './rdp-state.ts';
import { connectInitial } from './settings.ts';
import { TargetMessages } from './target-messages.ts';
import { ViewerMessages } from './viewer-messages.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
/** What servers and a viewer said, up to the first pictures; of which channels the servers were told. */
const CAPTURED = ['xrdp-0.9.21-bitmaps', 'xrdp-0.9.21-xorg', 'freerdp-2.11.7-shadow'] as const;
const ANNOUNCED = ['drdynvc', 'cliprdr'];
const read = (name: string, side: 'target' | 'viewer'): Uint8Array =>
  new Uint8Array(readFileSync(join(FIXTURES, `${name}.${side}.bin`)));

class Connection {
  readonly state: RdpState = startingState();
  readonly shown: Uint8Array[] = [];
  readonly toDriver: Uint8Array[] = [];
  readonly answers: Uint8Array[] = [];
  readonly toTarget: Uint8Array[] = [];
  readonly errors: ErrorInfo[] = [];
  active = 0;
  activations = 0;
  readonly target: TargetMessages;
  readonly viewer: ViewerMessages;

  constructor(control = true, clipboard = true) {
    const dynamic = new DynamicChannels(new Set([DISPLAY_CONTROL]));
    const rights = { upload: clipboard, download: clipboard };
    const channel = new ClipboardChannel(
      { text: rights, files: { upload: false, download: false } },
      {
        content: () => undefined,
        files: { began: () => undefined, piece: () => undefined, ended: () => undefined },
        denied: () => undefined,
        broken: { upload: invalid, download: violation },
      },
    );
    this.state.channels = [...ANNOUNCED, 'rdpsnd'].map((name) => ({
      name,
      isAnnounced: ANNOUNCED.includes(name),
      id: 0,
    }));
    this.target = new TargetMessages(
      this.state,
      { clipboard: channel, dynamic },
      {
        pass: (message) => this.shown.push(message),
        passToDriver: (message) => this.toDriver.push(message),
        dynamic: () => undefined,
        answer: (bytes) => this.answers.push(bytes),
        activating: () => undefined,
        activated: () => (this.activations += 1),
        error: (info) => this.errors.push(info),
        framesEnded: () => undefined,
        drawn: () => undefined,
      },
    );
    this.viewer = new ViewerMessages(
      this.state,
      { control, clipboard: channel, dynamic },
      {
        begin: (wishes) =>
          connectInitial({
            ...wishes,
            channels: ANNOUNCED,
            colourDepth: 32,
            clientName: '',
            console: false,
            selectedProtocol: 1,
          }),
        signOn: () =>
          clientInfo({
            domain: '',
            username: 'the account',
            password: 'the password',
            shell: '',
            workingDirectory: '',
            performanceFlags: 0,
          }),
        answer: (bytes) => this.answers.push(bytes),
        did: () => (this.active += 1),
        aside: (bytes) => this.toDriver.push(bytes),
      },
    );
  }

  say(bytes: Uint8Array): void {
    this.toTarget.push(...this.viewer.push(bytes));
  }
}

/** A connection that was opened as the capture says. */
function opened(name: (typeof CAPTURED)[number], control = true): Connection {
  const connection = new Connection(control);
  connection.target.push(read(name, 'target'));
  connection.say(read(name, 'viewer'));
  return connection;
}

const share = (type: number, body: Uint8Array): Uint8Array =>
  joinBytes(u16le(body.length + 6), u16le(0x10 | type), u16le(1002), body);
const data = (type: number, body: Uint8Array): Uint8Array =>
  share(7, joinBytes(u32le(0x0001_03ea), Uint8Array.of(0, 1), u16le(body.length), Uint8Array.of(type, 0, 0, 0), body));
const from = (connection: Connection, bytes: Uint8Array, channel = connection.state.io): Uint8Array =>
  sendData({ choice: DOMAIN.sendDataIndication, initiator: 1002, channel, data: bytes });
const said = (connection: Connection, bytes: Uint8Array, channel = connection.state.io): Uint8Array =>
  sendData({ choice: DOMAIN.sendDataRequest, initiator: connection.state.user, channel, data: bytes });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

for (const name of CAPTURED) {
  describe(`a connection to ${name}`, () => {
    it('shows the same messages, however the network cut them', () => {
      const whole = opened(name).shown.map(hex);
      assert.ok(whole.length > 5);
      const bytes = read(name, 'target');
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
          const connection = new Connection();
          const places = [...cuts.toSorted((a, b) => a - b), bytes.length];
          let at = 0;
          for (const to of places) {
            connection.target.push(bytes.slice(at, to));
            at = to;
          }
          assert.equal(connection.shown.map(hex).join(''), whole.join(''));
          assert.equal(connection.activations, 1);
        }),
        { numRuns: 50 },
      );
    });

    it('gives the target the gateway’s name and password, and nothing that the viewer calls its own', () => {
      const { toTarget, active } = opened(name);
      const bytes = Buffer.concat(toTarget);
      assert.ok(bytes.includes(Buffer.from('the password\0', 'utf16le')));
      assert.ok(!bytes.includes(Buffer.from('dummy', 'utf16le')));
      assert.equal(active, 2);
    });

    it('joins channels by itself that the target was not told of', () => {
      const { answers, state } = opened(name);
      const unused = state.channels.find(({ isAnnounced }) => !isAnnounced);
      assert.ok(unused && unused.id >= 64_000);
      assert.equal(answers.filter((bytes) => bytes[7] === 0x3e).length, 1);
    });

    it('takes its bytes altered, or refuses them with a reason', () => {
      const sides = { target: read(name, 'target').slice(0, 4_000), viewer: read(name, 'viewer') };
      fc.assert(
        fc.property(
          fc.constantFrom('target', 'viewer'),
          fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { minLength: 1, maxLength: 12 }),
          fc.option(fc.tuple(fc.nat(4_000), fc.uint8Array({ maxLength: 30 }))),
          (side, changes, inserted) => {
            const connection = new Connection();
            let bytes: Uint8Array = sides[side].slice();
            for (const [at, value] of changes) bytes[at % bytes.length] = value;
            if (inserted !== null) {
              const at = inserted[0] % bytes.length;
              bytes = joinBytes(bytes.subarray(0, at), inserted[1], bytes.subarray(at));
            }
            const code = side === 'target' ? 'TARGET_PROTOCOL_VIOLATION' : 'PROTOCOL_MESSAGE_INVALID';
            try {
              if (side === 'viewer') connection.target.push(sides.target);
              if (side === 'target') connection.target.push(bytes);
              else connection.say(bytes);
            } catch (failure) {
              assert.ok(isFault(failure, code) || isFault(failure, 'TARGET_PROTOCOL_VIOLATION'), String(failure));
            }
          },
        ),
        { numRuns: 2_000 },
      );
    });
  });
}

describe('policy on the wire', () => {
  const KEY = Uint8Array.of(0x08, 6, 0, 0x1e, 1, 0x1e);

  it('lets nothing of a person through where the machine may only be looked at', () => {
    const connection = opened('xrdp-0.9.21-xorg', false);
    const before = connection.toTarget.length;
    connection.say(KEY);
    connection.say(said(connection, data(28, new Uint8Array(12))));
    connection.say(said(connection, data(43, new Uint8Array(12))));
    connection.say(said(connection, data(36, new Uint8Array(0))));
    connection.say(said(connection, new Uint8Array(30), connection.state.channels.at(-1)?.id));
    assert.equal(connection.toTarget.length, before);
    assert.equal(connection.active, 0);
    connection.say(said(connection, data(35, new Uint8Array(4))));
    assert.equal(connection.toTarget.length, before + 1);
  });

  it('drops channels that the target opens by itself', () => {
    const connection = opened('xrdp-0.9.21-xorg');
    const before = connection.shown.length;
    connection.target.push(from(connection, new Uint8Array(30), 1010));
    connection.target.push(from(connection, new Uint8Array(30), connection.state.channels.at(-1)?.id));
    assert.equal(connection.shown.length, before);
  });

  it('keeps the name of the account and the cookie that signs in again from the viewer', () => {
    const connection = opened('xrdp-0.9.21-xorg');
    const before = connection.shown.length;
    connection.target.push(from(connection, data(38, new Uint8Array(40))));
    assert.equal(connection.shown.length, before);
  });

  it('lets no second Client Info through, whatever it calls itself', () => {
    for (const flags of [0x40, 0xc0, 0x2c0, 0x80]) {
      const connection = opened('xrdp-0.9.21-xorg');
      const before = connection.toTarget.length;
      const info = joinBytes(u16le(flags), u16le(0), new Uint8Array(60));
      assert.throws(() => connection.say(said(connection, info)), { code: 'PROTOCOL_MESSAGE_INVALID' });
      assert.equal(connection.toTarget.length, before);
    }
  });

  it('keeps a connection that its viewer would end', () => {
    const connection = opened('xrdp-0.9.21-xorg');
    const before = connection.toTarget.length;
    connection.say(Uint8Array.of(3, 0, 0, 9, 2, 0xf0, 0x80, 0x21, 0x80));
    assert.equal(connection.toTarget.length, before);
  });

  it('takes no words for another user, and none in front of the Client Info', () => {
    const connection = opened('xrdp-0.9.21-xorg');
    const pdu = said(connection, data(35, new Uint8Array(4)));
    pdu[9] = 0xee;
    assert.throws(() => connection.say(pdu), { code: 'PROTOCOL_MESSAGE_INVALID' });
    const early = new Connection();
    early.target.push(read('xrdp-0.9.21-xorg', 'target'));
    const words = new PduFramer(violation).push(read('xrdp-0.9.21-xorg', 'viewer'));
    const clientInfoAt = words.findIndex((pdu) => Buffer.from(pdu).includes(Buffer.from('dummy', 'utf16le')));
    assert.ok(clientInfoAt > 5);
    early.say(joinBytes(...words.slice(0, clientInfoAt), KEY));
    assert.ok(!early.toTarget.some((bytes) => hex(bytes) === hex(KEY)));
    assert.throws(() => early.say(said(early, data(35, new Uint8Array(4)))), { code: 'PROTOCOL_MESSAGE_INVALID' });
  });
});

describe('what decoders stumble over', () => {
  it('gives a short Deactivate All its whole length, together with the new size', () => {
    const connection = opened('xrdp-0.9.21-xorg');
    const demand = connection.shown.find((bytes) => (bytes[17] ?? 0) === 0x11 || (bytes[16] ?? 0) === 0x11);
    assert.ok(demand);
    const before = connection.shown.length;
    connection.target.push(from(connection, share(6, new Uint8Array(0))));
    assert.equal(connection.shown.length, before, 'it waits');
    connection.target.push(demand);
    const [over, anew] = connection.shown.slice(before);
    assert.equal(over?.length, 15 + 13 - 1);
    assert.equal(hex(anew ?? new Uint8Array(0)), hex(demand));
  });

  it('hears of display control in front of another size where the machine has none, once, and is not heard on it', () => {
    const connection = opened('freerdp-2.11.7-shadow');
    const demand = connection.shown.find((bytes) => (bytes[17] ?? 0) === 0x11 || (bytes[16] ?? 0) === 0x11);
    assert.ok(demand);
    const channel = connection.state.channels.find(({ name }) => name === 'drdynvc')?.id ?? 0;
    const again = (size: { width: number; height: number }): string[] => {
      const before = connection.shown.length;
      // The one that comes has another size than the one there was.
      connection.state.size = size;
      connection.target.push(joinBytes(from(connection, share(6, new Uint8Array(7))), demand));
      return connection.shown.slice(before).map((bytes) => Buffer.from(bytes).toString('latin1'));
    };
    const { size } = connection.state;
    assert.ok(size);
    assert.equal(again(size).length, 2, 'nothing in front of the same size');
    const [create, capabilities, ...rest] = again({ width: 640, height: 480 });
    assert.ok(create?.endsWith(`${DISPLAY_CONTROL}\0`));
    assert.equal(capabilities?.length, 14 + 8 + 3 + 20);
    assert.equal(rest.length, 2);
    assert.equal(again({ width: 640, height: 480 }).length, 2);
    const heard = connection.toTarget.length;
    for (const words of [
      [0x11, 0xfe, 0xff, 0, 0, 0, 0],
      [0x31, 0xfe, 0xff, 2, 0],
    ])
      connection.say(said(connection, joinBytes(u32le(words.length), u32le(3), Uint8Array.from(words)), channel));
    assert.equal(connection.toTarget.length, heard);
  });

  it('keeps pictures back until the desktop is there, and gives the Font Map a message of its own', () => {
    const connection = opened('xrdp-0.9.21-xorg');
    const demand = connection.shown.find((bytes) => (bytes[17] ?? 0) === 0x11 || (bytes[16] ?? 0) === 0x11);
    assert.ok(demand);
    const picture = Uint8Array.of(0, 9, 3, 4, 0, 1, 2, 3, 4);
    const fontMap = from(connection, data(40, new Uint8Array(8)));
    const before = connection.shown.length;
    connection.target.push(joinBytes(demand, picture, fontMap, picture));
    assert.deepEqual(connection.shown.slice(before).map(hex), [
      hex(demand),
      hex(fontMap),
      hex(joinBytes(picture, picture)),
    ]);
  });

  it('says why a machine ends the session', () => {
    const connection = opened('xrdp-0.9.21-xorg');
    connection.target.push(from(connection, data(47, u32le(5))));
    assert.match(connection.errors[0]?.words ?? '', /from elsewhere/u);
  });
});

describe('hostile machines', () => {
  const refuses = (make: (connection: Connection) => Uint8Array, words: RegExp): void => {
    const connection = opened('xrdp-0.9.21-xorg');
    assert.throws(
      () => {
        connection.target.push(make(connection));
      },
      (failure: unknown) => isFault(failure, 'TARGET_PROTOCOL_VIOLATION') && words.test(failure.message),
    );
  };

  it('cannot make the browser allocate a desktop of absurd size', () => {
    const bitmap = joinBytes(u16le(2), u16le(28), ...[32, 1, 1, 1, 65_535, 65_535, 0, 1, 1, 0, 1, 0].map(u16le));
    const body = joinBytes(u32le(1), u16le(4), u16le(0), u32le(0), u16le(1), u16le(0), bitmap);
    refuses((connection) => from(connection, share(1, body)), /65535 × 65535/u);
    refuses((connection) => from(connection, share(1, joinBytes(u32le(1), new Uint8Array(20)))), /without a size/u);
  });

  it('cannot send pictures without end for a desktop that is not there', () => {
    refuses((connection) => {
      const demand = connection.shown.find((bytes) => (bytes[17] ?? 0) === 0x11 || (bytes[16] ?? 0) === 0x11);
      assert.ok(demand);
      connection.target.push(demand);
      const picture = joinBytes(Uint8Array.of(0, 0xff, 0xff, 3), u16le(0x7fff - 6), new Uint8Array(0x7fff - 6));
      return joinBytes(...Array.from({ length: 200 }, () => picture));
    }, /not there yet/u);
  });

  it('cannot compress, encrypt, send on or speak out of turn', () => {
    refuses(() => Uint8Array.of(0x80, 9, 3, 4, 0, 1, 2, 3, 4), /begins with 128/u);
    refuses(() => Uint8Array.of(0, 9, 3, 5, 0, 1, 2, 3, 4), /updates do not fit/u);
    refuses(() => Uint8Array.of(0, 10, 0x83, 0x20, 4, 0, 1, 2, 3, 4), /compressed/u);
    refuses((connection) => from(connection, share(10, new Uint8Array(40))), /another machine/u);
    refuses(() => Uint8Array.of(3, 0, 0, 9, 2, 0xf0, 0x80, 0x40, 0), /MCS PDU/u);
    refuses(() => Uint8Array.of(3, 0, 0, 8, 2, 0xd0, 0x80, 0x40), /X\.224/u);
  });
});
