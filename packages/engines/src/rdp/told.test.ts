import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { ParameterValues } from '@enchilada/core/engine';
import { channelJoinConfirm, DOMAIN, domainChoice, joinedChannel, parseSendData, tpduBody } from './codec/mcs.ts';
import { connectResponse } from './codec/settings.ts';
import { connectionConfirm, PROTOCOL } from './codec/x224.ts';
import { manifest } from './rdp-manifest.ts';
import { openMachine, scriptedServer, TestSeat, until } from './testing.ts';

const USER = 1007;
const ATTACHED = Buffer.from('0300000b02f0802e000006', 'hex');
const EFFECTS_BY_DEFAULT = 0x1 | 0x2 | 0x4 | 0x80;
let pem: { readonly key: Buffer; readonly cert: Buffer };

before(() => {
  const folder = mkdtempSync(join(tmpdir(), 'enchilada-told-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=told'];
  execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  pem = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
});

/** What a machine was told until the account signs in, read by the specification and not by our own codec. */
interface Told {
  /** [MS-RDPEPS] 2.2.1.1, 2.2.1.2 */
  readonly preconnection: { readonly id: number; readonly blob: string } | undefined;
  /** routingToken or cookie. [MS-RDPBCGR] 2.2.1.1 */
  readonly routing: string;
  /** TS_UD_CS_CORE. [MS-RDPBCGR] 2.2.1.3.2 */
  readonly core: Buffer;
  /** TS_UD_CS_CLUSTER. [MS-RDPBCGR] 2.2.1.3.5 */
  readonly cluster: Buffer | undefined;
  /** TS_INFO_PACKET. [MS-RDPBCGR] 2.2.1.11.1.1 */
  readonly info: Buffer;
}

const utf16 = (bytes: Buffer): string => bytes.toString('utf16le').replace(/\0.*$/su, '');

function preconnectionOf(bytes: Buffer): Told['preconnection'] {
  if (bytes.length === 0) return undefined;
  assert.deepEqual([bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)], [bytes.length, 0, 2]);
  const characters = bytes.readUInt16LE(16);
  assert.equal(bytes.length, 18 + 2 * characters);
  return { id: bytes.readUInt32LE(12), blob: utf16(bytes.subarray(18)) };
}

function blocksOf(initial: Buffer): ReadonlyMap<number, Buffer> {
  const blocks = new Map<number, Buffer>();
  for (let at = initial.indexOf('Duca') + 6; at < initial.length; at += initial.readUInt16LE(at + 2))
    blocks.set(initial.readUInt16LE(at), initial.subarray(at, at + initial.readUInt16LE(at + 2)));
  return blocks;
}

/** The texts of a TS_INFO_PACKET and the performanceFlags behind them. */
function infoOf(info: Buffer): { readonly shell: string; readonly folder: string; readonly effects: number } {
  const texts: string[] = [];
  let at = 18;
  for (let index = 0; index < 5; index++) {
    const length = info.readUInt16LE(8 + 2 * index);
    texts.push(info.subarray(at, at + length).toString('utf16le'));
    assert.equal(info.readUInt16LE(at + length), 0);
    at += length + 2;
  }
  at += 2;
  for (const _ of ['clientAddress', 'clientDir']) at += 2 + info.readUInt16LE(at);
  const [, , , shell = '', folder = ''] = texts;
  return { shell, folder, effects: info.readUInt32LE(at + 172 + 4) };
}

/** A machine with TLS that lets the account sign in, and says no more. */
function hearing(tell: (told: Told) => void): (socket: Socket) => void {
  return (socket) => {
    const heard: Buffer[] = [];
    socket.on('error', () => undefined);
    socket.on('data', function first(bytes: Buffer) {
      heard.push(bytes);
      const all = Buffer.concat(heard);
      const ahead = all[0] === 3 && all[1] === 0 && all[2] === 0 ? 0 : all.readUInt32LE(0);
      if (all.length < ahead + 4 || all.length < ahead + all.readUInt16BE(ahead + 2)) return;
      socket.off('data', first);
      const request = all.subarray(ahead);
      socket.write(connectionConfirm(0, PROTOCOL.ssl));
      const tls = new TLSSocket(socket, { isServer: true, ...pem });
      tls.on('error', () => undefined);
      let rest = Buffer.alloc(0);
      let initial = Buffer.alloc(0);
      tls.on('data', (more: Buffer) => {
        rest = Buffer.concat([rest, more]);
        while (rest.length >= 4 && rest.length >= rest.readUInt16BE(2)) {
          const pdu = rest.subarray(0, rest.readUInt16BE(2));
          rest = rest.subarray(pdu.length);
          if (initial.length === 0) {
            initial = pdu;
            const count = blocksOf(initial).get(0xc003)?.readUInt32LE(4) ?? 0;
            const channels = Array.from({ length: count }, (_, index) => 1004 + index);
            tls.write(connectResponse({ io: 1003, channels, version: 0x0008_0004, early: 0 }, PROTOCOL.ssl));
            continue;
          }
          const body = tpduBody(pdu);
          assert.ok(body);
          const choice = domainChoice(body);
          if (choice === DOMAIN.attachUserRequest) tls.write(ATTACHED);
          if (choice === DOMAIN.channelJoinRequest) tls.write(channelJoinConfirm(USER, joinedChannel(body) ?? 0));
          if (choice !== DOMAIN.sendDataRequest) continue;
          const blocks = blocksOf(initial);
          const core = blocks.get(0xc001);
          assert.ok(core);
          tell({
            preconnection: preconnectionOf(all.subarray(0, ahead)),
            routing: request.subarray(11, -8).toString('latin1'),
            core,
            cluster: blocks.get(0xc004),
            info: Buffer.from(parseSendData(body)?.data.subarray(4) ?? []),
          });
        }
      });
    });
  };
}

async function toldWith(parameters: ParameterValues, choices = ''): Promise<Told> {
  let told: Told | undefined;
  await using server = await scriptedServer(hearing((all) => (told = all)));
  await using session = await openMachine({ ...server, username: 'ada', password: 'sesame', parameters });
  const seat = new TestSeat('control', { choices });
  await seat.sit(session);
  await until(() => told !== undefined);
  assert.ok(told);
  return told;
}

/** A setting of the form, what it is set to, and where the machine reads it. */
const TABLE: readonly (readonly [
  field: string,
  value: string | number | boolean,
  read: (told: Told) => unknown,
  wanted: unknown,
  otherwise: unknown,
])[] = [
  [
    'loadBalanceInfo',
    'tsv://MS Terminal Services Plugin.1.Sales',
    ({ routing }) => routing,
    'tsv://MS Terminal Services Plugin.1.Sales\r\n',
    '',
  ],
  ['preconnectionId', 4_294_967_295, ({ preconnection }) => preconnection?.id, 4_294_967_295, undefined],
  ['preconnectionBlob', 'vm-ä1', ({ preconnection }) => preconnection?.blob, 'vm-ä1', undefined],
  // REDIRECTED_SESSIONID_FIELD_VALID, of session 0.
  [
    'console',
    true,
    ({ cluster }) => cluster && [cluster.readUInt32LE(4) & 2, cluster.readUInt32LE(8)],
    [2, 0],
    undefined,
  ],
  ['initialProgram', 'C:\\Tools\\größe.exe', ({ info }) => infoOf(info).shell, 'C:\\Tools\\größe.exe', ''],
  ['workingDirectory', 'D:\\daten', ({ info }) => infoOf(info).folder, 'D:\\daten', ''],
  ['clientName', 'bastion-7', ({ core }) => utf16(core.subarray(24, 56)), 'bastion-7', 'enchilada'],
  ['keyboardLayout', 'fr-CH', ({ core }) => core.readUInt32LE(16), 0x100c, 0x409],
  // highColorDepth and RNS_UD_CS_WANT_32BPP_SESSION.
  ['colourDepth', '16', ({ core }) => [core.readUInt16LE(140), core.readUInt16LE(144) & 2], [16, 0], [24, 2]],
  ['colourDepth', '24', ({ core }) => [core.readUInt16LE(140), core.readUInt16LE(144) & 2], [24, 0], [24, 2]],
  // [MS-RDPBCGR] 2.2.1.11.1.1.1: what is to be left out, except the last two.
  ['wallpaper', true, ({ info }) => infoOf(info).effects & 0x1, 0, 0x1],
  ['windowDrag', true, ({ info }) => infoOf(info).effects & 0x2, 0, 0x2],
  ['menuAnimations', true, ({ info }) => infoOf(info).effects & 0x4, 0, 0x4],
  ['theming', false, ({ info }) => infoOf(info).effects & 0x8, 0x8, 0],
  ['fontSmoothing', false, ({ info }) => infoOf(info).effects & 0x80, 0, 0x80],
  ['desktopComposition', true, ({ info }) => infoOf(info).effects & 0x100, 0x100, 0],
];

/** A preconnection has a number and a text, whichever of them is set. */
function areOfOne(field: string, other: string): boolean {
  return [field, other].every((name) => name.startsWith('preconnection'));
}

describe('what a machine is told of its settings', () => {
  it('is nothing particular where the form says nothing', async () => {
    const told = await toldWith({});
    for (const [field, , read, , otherwise] of TABLE) assert.deepEqual(read(told), otherwise, field);
    assert.equal(infoOf(told.info).effects, EFFECTS_BY_DEFAULT);
  });

  for (const [field, value, read, wanted, otherwise] of TABLE)
    it(`is ${field} as the form has it (${String(value)}), and nothing else beside it`, async () => {
      assert.ok(manifest.parameters.some(({ name }) => name === field));
      const told = await toldWith({ [field]: value });
      assert.deepEqual(read(told), wanted);
      for (const [other, , readOther, , unset] of TABLE)
        if (other !== field && !areOfOne(field, other)) assert.deepEqual(readOther(told), unset, other);
      assert.notDeepEqual(wanted, otherwise);
    });
});

describe('what a machine is told of the screen', () => {
  /** desktopScaleFactor and deviceScaleFactor: both must be valid for either to count. */
  const scaleIn = ({ core }: Told): readonly number[] =>
    core.length < 234 ? [] : [core.readUInt32LE(226), core.readUInt32LE(230)];

  it('is how much larger the person wants it drawn, when it is connected to', async () => {
    assert.deepEqual(scaleIn(await toldWith({}, 'keyboard=de-CH&scale=200')), [200, 100]);
    assert.deepEqual(scaleIn(await toldWith({}, 'keyboard=de-CH&scale=500')), [500, 100]);
  });

  it('is nothing where that is no scale of a desktop', async () => {
    for (const scale of ['', '99', '501', '1e2', '-200', '4294967396'])
      assert.deepEqual(scaleIn(await toldWith({}, `scale=${scale}`)), [], scale);
  });
});
