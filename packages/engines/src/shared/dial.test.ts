import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { DEFAULT_EGRESS, type OwnService } from '@enchilada/core/access';
import { isFault } from '@enchilada/core/fault';
import type { Target } from '@enchilada/core/target';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { freePort } from '@enchilada/core/testing/free-port';
import { startBlackHole } from '@enchilada/core/testing/servers/black-hole';
import { createDialer, type DialContext, type Dialer, type DialerOptions } from './dial.ts';

/** T19: ways to write the gateway itself, its neighbours and the metadata services. */
const SPELLINGS = [
  '127.0.0.1',
  '127.0.0.2',
  '127.1',
  '127.0.1',
  '2130706433',
  '017700000001',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '0x7f.1',
  '0177.1',
  '127.0.0.1.',
  'localhost',
  'localhost.',
  'LOCALHOST',
  'LocalHost.',
  '0',
  '0.0.0.0',
  '0x0',
  '00',
  '0.0',
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  '0000::0001',
  '[::1]',
  '[::]',
  '::ffff:127.0.0.1',
  '::FFFF:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:0:127.0.0.1',
  '::127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::7f00:1',
  '2002:7f00:1::',
  '::1%lo',
  '::1%1',
  'fe80::1',
  'fe80::1%lo',
  'ff02::1',
  'ff02::1%lo',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '0251.0376.0251.0376',
  '169.254.43518',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::',
  'fd00:ec2::254',
  '169.254.170.2',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  '224.0.0.1',
  '255.255.255.255',
  '240.0.0.1',
  '１２７.0.0.1',
  '127。0。0。1',
  '①②⑦.0.0.1',
  'ⓛocalhost',
  'user@127.0.0.1',
  'user:password@localhost',
  '127.0.0.1:22',
  '127.0.0.1/',
  '127.0.0.1#x',
  '127.0.0.1%00.example',
  '127.0.0.1\u0000.example',
  ' 127.0.0.1',
  '127.0.0.1 ',
  'http://127.0.0.1/',
  'localhost%2e',
  '%6c%6f%63alhost',
  'localtest.me.localhost',
] as const;

const UNSAFE = '127.0.0.1';
const target = (host: string, port: number, changes: Partial<Target> = {}): Target =>
  testTarget({ id: 'tgt_1', protocol: 'ssh', host, port, ...changes });

const execute = promisify(execFile);
/** A network of its own, where one destination is unreachable and to all others there is no route. */
const NETWORK_WITHOUT_WAY = 'ip link set lo up && ip route add unreachable 198.51.100.0/24 && exec "$@"';
const DIAL_WITHOUT_WAY = `
import { DEFAULT_EGRESS } from '@enchilada/core/access';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { createDialer } from ${JSON.stringify(new URL('./dial.ts', import.meta.url).href)};
const dialer = createDialer({ policy: DEFAULT_EGRESS, builtIn: new Map() });
const told = [];
for (const host of ['203.0.113.7', '198.51.100.7']) {
  let step;
  const { signal } = new AbortController();
  const leave = testLeave(testTarget({ id: 'tgt_1', protocol: 'ssh', host, port: 22 }));
  await dialer.dial(leave, { clock: systemClock, signal, progress: (next) => (step = next) }).then(
    () => told.push({ code: 'connected' }),
    (fault) => told.push({ code: fault.code, errno: fault.cause?.code, step }),
  );
}
process.stdout.write(JSON.stringify(told));
`;

describe('the dialer', () => {
  let server: Server;
  let port = 0;
  let connections = 0;
  before(async () => {
    server = createServer((socket) => {
      connections += 1;
      socket.on('error', () => undefined);
      socket.resume();
    }).listen(0, '::');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => void server.close());

  const context = (steps: string[] = [], signal = new AbortController().signal): DialContext => ({
    clock: systemClock,
    signal,
    progress: (step) => void steps.push(step),
  });
  const dialer = (options: Partial<DialerOptions> = {}) =>
    createDialer({ policy: DEFAULT_EGRESS, builtIn: new Map(), ...options });
  const loopback = { policy: { ...DEFAULT_EGRESS, allowLoopback: true } };

  it(`reaches none of ${SPELLINGS.length} spellings of what it must not reach`, async () => {
    assert.ok(SPELLINGS.length >= 70);
    for (const host of SPELLINGS) {
      await assert.rejects(
        dialer().dial(testLeave(target(host, port)), context()),
        (error) => isFault(error, 'TARGET_EGRESS_DENIED') || isFault(error, 'TARGET_NAME_NOT_FOUND'),
        host,
      );
    }
    assert.equal(connections, 0);
  });

  it('judges every address of a name, and connects to none where one is forbidden', async () => {
    for (const addresses of [
      ['203.0.113.1', UNSAFE],
      [UNSAFE, '203.0.113.1'],
      ['2001:db8::1', '::ffff:127.0.0.1'],
      ['fe80::1'],
      ['garbage'],
    ]) {
      await assert.rejects(
        dialer({ lookup: async () => addresses }).dial(testLeave(target('name.example', port)), context()),
        { code: 'TARGET_EGRESS_DENIED' },
      );
    }
    assert.equal(connections, 0);
  });

  it('resolves once and never connects to the unsafe answer of a name that alternates: 1,000 tries', async () => {
    let lookups = 0;
    let tries = 0;
    let safe = 0;
    // One port at two addresses: 127.0.0.2 stands for the safe one, 127.0.0.1 for the one that the policy denies.
    const own = await freePort();
    const listener = createServer(() => (safe += 1)).listen(own, '127.0.0.2');
    await once(listener, 'listening');
    const guarded = createDialer({
      policy: { ...DEFAULT_EGRESS, allowLoopback: true, deny: [`${UNSAFE}/32`] },
      builtIn: new Map(),
      lookup: async () => [(lookups += 1) % 2 === 0 ? UNSAFE : '127.0.0.2'],
    });
    const trap = createServer(() => assert.fail('the unsafe address was reached')).listen(own, UNSAFE);
    await once(trap, 'listening');
    for (; tries < 1_000; tries += 1) {
      const result = await guarded.dial(testLeave(target('rebinding.example', own)), context()).then(
        (socket) => socket.destroy(),
        (error: unknown) => error,
      );
      assert.equal(isFault(result, 'TARGET_EGRESS_DENIED'), tries % 2 === 1);
    }
    assert.equal(lookups, tries);
    listener.close();
    trap.close();
    assert.ok(safe <= 500);
  });

  it('denies the addresses of this very machine', async () => {
    const own = dialer({ ownAddresses: () => ['10.9.8.7'], lookup: async () => ['::ffff:10.9.8.7'] });
    await assert.rejects(own.dial(testLeave(target('me.example', port)), context()), { code: 'TARGET_EGRESS_DENIED' });
  });

  it('keeps a protocol to its ports', async () => {
    const kept = dialer({ ...loopback, ports: { ssh: [22, 2222] } });
    await assert.rejects(kept.dial(testLeave(target(UNSAFE, 6379)), context()), { code: 'TARGET_EGRESS_DENIED' });
    await assert.rejects(kept.assertPermitted(target('inner.example', 6379), context()), {
      code: 'TARGET_EGRESS_DENIED',
    });
    await kept.assertPermitted(target('inner.example', 22), context());
  });

  it('judges what is written where someone else resolves', async () => {
    const strict = dialer();
    for (const host of SPELLINGS.filter(
      (text) => /^[\dxa-f.:[\]%lo]+$/iu.test(text) && !/^(?:127\.0\.0\.1:22|localhost%2e)$/u.test(text),
    )) {
      await assert.rejects(strict.assertPermitted(target(host, 22), context()), { code: 'TARGET_EGRESS_DENIED' }, host);
    }
    for (const host of [
      'metadata.google.internal',
      'metadata',
      'METADATA.google.internal.',
      '１２７.0.0.1',
      'x.localhost',
    ]) {
      await assert.rejects(strict.assertPermitted(target(host, 22), context()), { code: 'TARGET_EGRESS_DENIED' }, host);
    }
    for (const host of ['db.internal', '10.0.0.5', 'fd12::5', 'a.b.c', 'face', '1and1.example'])
      await strict.assertPermitted(target(host, 22), context());
  });

  describe('where the product’s own parts listen', () => {
    const NAMES: Readonly<Record<string, readonly string[]>> = {
      'database.internal': ['10.1.1.1', 'fd12::1'],
      'node-b.internal': ['10.1.1.2'],
      'bastion.example': ['203.0.113.9'],
    };
    const find = async (host: string): Promise<readonly string[]> => NAMES[host] ?? [host];
    const ownServices = async (): Promise<readonly OwnService[]> => [
      { what: 'the database', host: 'database.internal', port: 5432, closes: 'address' },
      { what: 'a node', host: 'node-b.internal', port: 8080, closes: 'address' },
      { what: 'the public address', host: 'bastion.example', port: 443, closes: 'port' },
    ];
    /** Nothing answers at these addresses; what counts is whether anything was tried. */
    const verdict = async (made: Dialer, host: string, at: number): Promise<string> => {
      const steps: string[] = [];
      const failure = await made.dial(testLeave(target(host, at)), context(steps)).then(
        (socket) => void socket.destroy(),
        (fault: unknown) => fault,
      );
      if (!isFault(failure, 'TARGET_EGRESS_DENIED')) return 'tried';
      return failure.message.replace(/^.* is not permitted: /u, '');
    };
    const options = { lookup: find, ownServices, connectMs: 50 };

    it('denies the whole address of the database and of nodes, by any name and in any form, and the port alone of the public address', async () => {
      const made = dialer(options);
      for (const host of ['database.internal', '10.1.1.1', '::ffff:10.1.1.1', '64:ff9b::a01:101', 'fd12::1'])
        for (const at of [22, 5432])
          assert.equal(await verdict(made, host, at), 'the database is there', `${host}:${at}`);
      assert.equal(await verdict(made, '10.1.1.2', 22), 'a node is there');
      assert.equal(await verdict(made, '203.0.113.9', 443), 'the public address is there');
      assert.equal(await verdict(made, '203.0.113.9', 22), 'tried');
      assert.equal(await verdict(made, '10.1.1.3', 5432), 'tried');
    });

    it('denies them behind a jump host, by name and by address', async () => {
      const made = dialer(options);
      for (const host of ['database.internal', 'DATABASE.internal.', '10.1.1.1', '0x0a010101', 'node-b.internal'])
        await assert.rejects(made.assertPermitted(target(host, 22), context()), { code: 'TARGET_EGRESS_DENIED' }, host);
      await assert.rejects(made.assertPermitted(target('bastion.example', 443), context()), {
        code: 'TARGET_EGRESS_DENIED',
      });
      for (const host of ['bastion.example', '10.1.1.3', 'database.internal.example'])
        await made.assertPermitted(target(host, 22), context());
    });

    it('opens them by the named option alone', async () => {
      const policy = { ...DEFAULT_EGRESS, allowOwnServices: true };
      const made = dialer({ ...options, policy });
      assert.equal(await verdict(made, '10.1.1.1', 5432), 'tried');
      await made.assertPermitted(target('database.internal', 5432), context());
    });

    it('keeps them where this machine itself may be dialled: every address of it, and their ports alone', async () => {
      const here = [
        { what: 'this gateway', host: 'localhost', port: 8080, closes: 'port' as const },
        { what: 'the database', host: '127.0.0.1', port: 5432, closes: 'address' as const },
      ];
      const made = dialer({ ...loopback, ownAddresses: () => ['192.0.2.77'], ownServices: async () => here });
      for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost', '192.0.2.77']) {
        assert.equal(await verdict(made, host, 8080), 'this gateway is there', host);
        assert.equal(await verdict(made, host, 5432), 'the database is there', host);
      }
      assert.equal(await verdict(made, '127.0.0.1', port), 'tried');
    });

    it('lets nothing be dialled before it was known once which they are', async () => {
      const made = dialer({ lookup: find, ownServices: () => Promise.reject(new Error('nobody is there')) });
      const { signal } = context();
      await assert.rejects(
        made.assertPermitted(target('10.1.1.2', 22), { clock: systemClock, signal }),
        /nobody is there/u,
      );
    });

    it('remembers where they were while nobody can be asked', async () => {
      let time = 0;
      let away = false;
      const ask = async <T>(answer: T): Promise<T> => {
        if (away) throw new Error('nobody is there');
        return answer;
      };
      const clock = { ...systemClock, monotonicMs: () => time };
      const made = dialer({
        lookup: async (host) => ask(await find(host)),
        ownServices: async () => ask(await ownServices()),
      });
      const permitted = () => made.assertPermitted(target('10.1.1.1', 22), { clock, signal: context().signal });
      await assert.rejects(permitted(), { code: 'TARGET_EGRESS_DENIED' });
      away = true;
      time += 3_600_000;
      await assert.rejects(permitted(), { code: 'TARGET_EGRESS_DENIED' });
    });
  });

  it('reports name, route and port, over IPv4 and over IPv6', async () => {
    for (const host of ['127.0.0.1', '::1', 'localhost']) {
      const steps: string[] = [];
      const socket = await dialer(loopback).dial(testLeave(target(host, port)), context(steps));
      socket.destroy();
      assert.deepEqual(steps, ['name', 'route', 'port']);
    }
  });

  it('falls back to the next address where one refuses', async () => {
    const only = await freePort();
    const closed = createServer().listen(only, '127.0.0.1');
    await once(closed, 'listening');
    const both = dialer({ ...loopback, lookup: async () => ['::1', '127.0.0.3', '127.0.0.1'] });
    (await both.dial(testLeave(target('both.example', only)), context())).destroy();
    closed.close();
    await once(closed, 'close');
    const steps: string[] = [];
    await assert.rejects(both.dial(testLeave(target('both.example', only)), context(steps)), {
      code: 'TARGET_REFUSED',
    });
    assert.equal(steps.at(-1), 'port');
  });

  it('says that a name does not resolve, at the step of the name', async () => {
    const steps: string[] = [];
    const failing = dialer({
      lookup: () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' })),
    });
    await assert.rejects(failing.dial(testLeave(target('no-such.invalid', 22)), context(steps)), {
      code: 'TARGET_NAME_NOT_FOUND',
    });
    assert.deepEqual(steps, ['name']);
    await assert.rejects(dialer({ lookup: async () => [] }).dial(testLeave(target('empty.example', 22)), context()), {
      code: 'TARGET_NAME_NOT_FOUND',
    });
    await assert.rejects(dialer().dial(testLeave(target('no-such.invalid', 22)), context()), {
      code: 'TARGET_NAME_NOT_FOUND',
    });
  });

  it('gives up on a resolver, and on a listener with a full backlog, that never answer', async () => {
    const silent = dialer({ connectMs: 100, lookup: () => new Promise(() => undefined) });
    await assert.rejects(silent.dial(testLeave(target('slow.example', 22)), context()), { code: 'TARGET_TIMED_OUT' });
    await using hole = await startBlackHole();
    await assert.rejects(
      dialer({ ...loopback, connectMs: 400 }).dial(testLeave(target(hole.host, hole.port)), context()),
      { code: 'TARGET_TIMED_OUT' },
    );
  });

  it('says that there is no way to a network, where the system has none', async () => {
    const { stdout } = await execute(
      '/usr/bin/unshare',
      [
        ...['--net', '/bin/sh', '-c', NETWORK_WITHOUT_WAY, 'sh'],
        ...[process.execPath, '--conditions=source', '--input-type=module', '--eval', DIAL_WITHOUT_WAY],
      ],
      { cwd: import.meta.dirname },
    );
    const told = JSON.parse(stdout) as readonly {
      readonly code: string;
      readonly errno: string;
      readonly step: string;
    }[];
    assert.deepEqual(told, [
      { code: 'TARGET_NO_ROUTE', errno: 'ENETUNREACH', step: 'route' },
      { code: 'TARGET_NO_ROUTE', errno: 'EHOSTUNREACH', step: 'route' },
    ]);
  });

  it('stops at once when it is aborted', async () => {
    const controller = new AbortController();
    const opening = dialer({ lookup: () => new Promise(() => undefined) }).dial(
      testLeave(target('slow.example', 22)),
      context([], controller.signal),
    );
    controller.abort();
    await assert.rejects(opening, { code: 'SESSION_ENDED' });
  });

  it('reaches a built-in machine by its stream, and never by the network', async () => {
    const stream = new PassThrough();
    const inside = dialer({
      builtIn: new Map([['inside', { connect: () => stream }]]),
      lookup: () => assert.fail('a name was looked up'),
    });
    assert.equal(await inside.dial(testLeave(target('x', 1, { builtIn: 'inside' })), context()), stream);
    await assert.rejects(inside.dial(testLeave(target('localhost', port, { builtIn: 'gone' })), context()), {
      code: 'TARGET_REFUSED',
    });
  });
});
