import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import type { Hop } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { PresentedHostKey } from '@enchilada/core/target';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { startRdpShadow, type RdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { createDialer } from '../shared/index.ts';
import { connectMachine } from './connect-machine.ts';
import type { Machine } from './machine.ts';

const dialer = createDialer({
  policy: { allowLoopback: true, allowOwnServices: false, allow: [], deny: [] },
  builtIn: new Map(),
});

interface Attempt {
  readonly machine: Promise<Machine>;
  readonly order: readonly string[];
}

describe('signing in to a server that demands network level authentication', () => {
  let server: RdpShadow;
  before(async () => {
    server = await startRdpShadow();
  });
  after(() => server[Symbol.asyncDispose]());

  const attempt = (change: {
    readonly username?: string;
    readonly password?: string;
    readonly hop?: Partial<Hop>;
    readonly signal?: AbortSignal;
  }): Attempt => {
    const order: string[] = [];
    const target = testTarget({ id: 'tgt_rdp', protocol: 'rdp', host: 'localhost', port: server.port });
    const hop: Hop = {
      leave: testLeave(target),
      credential: () =>
        Promise.resolve({
          kind: 'password',
          username: change.username ?? server.username,
          password: new Secret(change.password ?? server.password),
        }),
      verifyHostKey: () => Promise.resolve(),
      ...change.hop,
    };
    const signal = change.signal ?? new AbortController().signal;
    const connect = async (): Promise<Machine> => {
      const stream = await dialer.dial(hop.leave, { clock: systemClock, signal, progress: () => undefined });
      return connectMachine(stream, {
        hop: {
          ...hop,
          verifyHostKey: (key: PresentedHostKey) => (order.push(`host ${key.keyType}`), hop.verifyHostKey(key)),
        },
        limits: { handshakeMs: 20_000, answerMs: 20_000 },
        clock: systemClock,
        signal,
        credential: () => (order.push('credential'), hop.credential()),
        dialAgain: () => Promise.reject(new Error('one connection is enough')),
        parameters: {
          ...{ security: 'any', allowRdpSecurity: false },
          ...{ loadBalanceInfo: '', preconnectionId: 0, preconnectionBlob: '' },
        },
        progress: () => undefined,
      });
    };
    return { machine: connect(), order };
  };

  it('proves name and password, and asks for them only once the certificate was accepted', async () => {
    const { machine, order } = attempt({});
    const { stream, facts, negotiated } = await machine;
    assert.deepEqual(order, ['host x509', 'credential']);
    assert.equal(facts['security'], 'network level authentication (NTLM)');
    assert.ok([2, 8].includes(negotiated.protocol));
    // The server waits for MCS now: it has not closed the connection.
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(stream.destroyed || stream.readableEnded, false);
    stream.destroy();
  });

  it('says that the password is wrong', async () => {
    await assert.rejects(attempt({ password: 'wrong' }).machine, (failure: Fault) => {
      assert.equal(failure.code, 'CREDENTIAL_REFUSED');
      return true;
    });
  });

  it('says that the account is unknown', async () => {
    await assert.rejects(attempt({ username: 'nobody' }).machine, { code: 'CREDENTIAL_REFUSED' });
  });

  it('asks for no credential where the certificate is not accepted', async () => {
    const { machine, order } = attempt({
      hop: { verifyHostKey: () => Promise.reject(new Fault('HOST_KEY_CHANGED', 'another certificate is pinned')) },
    });
    await assert.rejects(machine, { code: 'HOST_KEY_CHANGED' });
    assert.deepEqual(order, ['host x509']);
  });

  it('stops at once when it is aborted', async () => {
    const controller = new AbortController();
    const { machine } = attempt({
      signal: controller.signal,
      hop: {
        verifyHostKey: () => {
          controller.abort(new Fault('SESSION_TERMINATED', 'ended by an administrator'));
          return new Promise(() => undefined);
        },
      },
    });
    await assert.rejects(machine, { code: 'SESSION_TERMINATED' });
  });
});
