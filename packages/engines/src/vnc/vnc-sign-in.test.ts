import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import type { StreamedSession } from '@enchilada/core/engine';
import { startXtightvnc } from '@enchilada/core/testing/servers/xtightvnc';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import {
  ANSWER,
  openDesktop,
  scriptedServer,
  TestSeat,
  until,
  updateRequest,
  WISHES,
  type Opening,
} from './testing.ts';

const CLEAR = { allowCleartext: true };
const ANONYMOUS = { allowAnonymousTls: true };
const PICTURE_BYTES = 64 * 48 * 4;

/** Whoever signed in sees the desktop. */
async function seesPicture(session: StreamedSession): Promise<void> {
  const seat = new TestSeat();
  const stream = await session.join(seat);
  for (const message of [ANSWER, WISHES, updateRequest(64, 48)]) stream.input(message);
  await until(() => seat.bytes.length > PICTURE_BYTES);
}

/** Refused with the machine's own words, and by no other credential than the right one let in. */
async function refusesAnother(opening: Opening, words: RegExp): Promise<void> {
  await assert.rejects(openDesktop({ ...opening, password: 'not it' }), {
    code: 'CREDENTIAL_REFUSED',
    message: words,
  });
}

describe('security types of TigerVNC', () => {
  for (const [type, needs, asksPassword] of [
    ['None', CLEAR, false],
    ['VncAuth', CLEAR, true],
    ['TLSNone', ANONYMOUS, false],
    ['TLSVnc', ANONYMOUS, true],
    ['X509None', {}, false],
    ['X509Vnc', {}, true],
  ] as const) {
    const weakening = Object.keys(needs)[0];
    it(`signs in by ${type}${weakening === undefined ? '' : `, with ${weakening} alone`}`, async () => {
      await using desktop = await startXvnc({ securityTypes: type, geometry: '64x48' });
      const opening = { ...desktop, parameters: needs };
      await using session = await openDesktop(opening);
      assert.equal(session.facts['security'], /^(?:TLS|X509)/u.test(type) ? `VeNCrypt ${type}` : type);
      assert.equal(session.facts['identity'], type.startsWith('TLS') ? 'unproven' : undefined);
      await seesPicture(session);
      if (asksPassword) await refusesAnother(opening, /: Authentication failure$/u);
      if (weakening === undefined) return;
      let asked = false;
      const credential = () => ((asked = true), Promise.reject(new Error('asked')));
      await assert.rejects(openDesktop({ ...desktop, hop: { credential } }), { code: 'TARGET_NO_COMMON_ALGORITHM' });
      assert.equal(asked, false);
    });
  }
});

describe('versions of RFB, with a real server', () => {
  for (const [version, type, reason] of [
    ['3.3', 'None', undefined],
    ['3.3', 'VncAuth', /refused the credential$/u],
    ['3.7', 'None', undefined],
    ['3.7', 'VncAuth', /refused the credential$/u],
    ['3.7', 'X509Vnc', /refused the credential$/u],
    ['3.8', 'VncAuth', /: Authentication failure$/u],
  ] as const) {
    it(`speaks ${version} with security type ${type}`, async () => {
      await using desktop = await startXvnc({ securityTypes: type, geometry: '64x48' });
      // The server speaks what the client answers: told of an older version, the gateway asks it for that one.
      const greeting = `RFB 003.00${version.slice(2)}\n`;
      await using older = await scriptedServer((socket) => {
        const behind = connect({ host: desktop.host, port: desktop.port });
        let heard = Buffer.alloc(0);
        const greet = (bytes: Buffer): void => {
          heard = Buffer.concat([heard, bytes]);
          if (heard.length < greeting.length) return;
          behind.off('data', greet);
          socket.write(Buffer.concat([Buffer.from(greeting), heard.subarray(greeting.length)]));
          behind.pipe(socket);
        };
        behind.on('data', greet);
        behind.on('error', () => socket.destroy());
        socket.pipe(behind);
        socket.on('close', () => behind.destroy());
      });
      const opening = { ...older, password: desktop.password, parameters: CLEAR };
      await using session = await openDesktop(opening);
      assert.equal(session.facts['rfbVersion'], version);
      await until(() => desktop.log().includes(`Client needs protocol version ${version}`));
      await seesPicture(session);
      if (reason !== undefined) await refusesAnother(opening, reason);
    });
  }
});

describe('security type Tight, of TightVNC', () => {
  it('proves the password, and is let in by no other', async () => {
    await using desktop = await startXtightvnc({ asksPassword: true });
    const opening = { ...desktop, parameters: CLEAR };
    await using session = await openDesktop(opening);
    assert.equal(session.facts['security'], 'Tight');
    await seesPicture(session);
    assert.match(desktop.log(), /Enabling TightVNC protocol extensions/u);
    await refusesAnother(opening, /refused the credential/u);
  });

  it('needs no proof where the server asks for none, and permission all the same', async () => {
    await using desktop = await startXtightvnc({ asksPassword: false });
    await assert.rejects(openDesktop(desktop), { code: 'TARGET_NO_COMMON_ALGORITHM' });
    await using session = await openDesktop({ ...desktop, parameters: CLEAR });
    assert.equal(session.facts['security'], 'Tight');
    await seesPicture(session);
  });
});
