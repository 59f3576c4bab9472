import assert from 'node:assert/strict';
import { KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import ssh2, { type ClientChannel } from 'ssh2';
import { channelInternals, internalsOf, prepareKeys, SSH2_WINDOW } from './ssh2-internals.ts';
import { createTryItMachine } from './try-it/index.ts';

describe('what is used of ssh2 beyond its public interface', () => {
  it('is still there, and means what it did', async () => {
    await using machine = await createTryItMachine({
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    });
    const { credential } = machine;
    assert.ok(credential.kind === 'password');
    const client = new ssh2.Client();
    let during: unknown;
    prepareKeys(client);
    client.connect({
      algorithms: { cipher: ['aes128-gcm@openssh.com'] },
      sock: machine.connect(),
      username: credential.username,
      password: credential.password.reveal(),
      hostVerifier: () => {
        const { _strictMode, _kex } = internalsOf(client)._protocol;
        during = [
          _strictMode,
          _kex?.negotiated.serverHostKey,
          typeof _kex?.negotiated.sc.mac,
          typeof _kex?.negotiated.cs.cipher,
        ];
        return true;
      },
    });
    await once(client, 'ready');
    assert.deepEqual(during, [true, 'ssh-ed25519', 'string', 'string']);
    assert.match(internalsOf(client)._remoteVer ?? '', /\S/u);
    const { _cipher: cipher, _decipher: decipher } = internalsOf(client)._protocol;
    assert.ok(cipher._encKey instanceof KeyObject);
    assert.ok(decipher?._decipherKey instanceof KeyObject);
    assert.equal(typeof internalsOf(client)._protocol.session, 'function');
    assert.equal(typeof internalsOf(client)._protocol.channelWindowAdjust, 'function');
    const channel = await new Promise<ClientChannel>((resolve, reject) =>
      client.exec('sleep 1', (error, opened) => (error === undefined ? resolve(opened) : reject(error))),
    );
    const internals = channelInternals(channel);
    assert.equal(internals.incoming.window, SSH2_WINDOW);
    assert.equal(internals.outgoing.state, 'open');
    assert.equal(typeof internals.outgoing.id, 'number');
    assert.equal(internals._waitChanDrain, false);
    assert.equal(typeof internals.stderr.push, 'function');
    client.end();
  });
});
