import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import {
  startKubeApiServer,
  type KubeApiServer,
  type StandInOptions,
} from '@enchilada/core/testing/servers/kube-api-server';
import { lines, open, token, until, type Opened, type Opening } from './testing.ts';

const PODS = [
  { namespace: 'shop', name: 'web-0', labels: { app: 'web' }, containers: [{ name: 'web', stdin: true, tty: true }] },
  {
    namespace: 'shop',
    name: 'db-0',
    labels: { app: 'db', tier: 'back' },
    containers: [{ name: 'postgres' }, { name: 'exporter' }],
  },
  { namespace: 'shop', name: 'job-1', phase: 'Succeeded', containers: [{ name: 'job' }] },
  {
    namespace: 'shop',
    name: 'mesh-0',
    labels: { app: 'mesh' },
    defaultContainer: 'app',
    containers: [{ name: 'proxy' }, { name: 'app' }],
  },
  {
    namespace: 'mail',
    name: 'queue-0',
    containers: [
      { name: 'queue', runs: ['sh', '-c', 'while echo sorting; do echo "no letter" >&2; sleep 0.1; done'] },
      { name: 'clerk', stdin: true },
    ],
  },
] as const;

describe('a session with a pod', () => {
  let server: KubeApiServer;
  before(async () => {
    server = await startKubeApiServer({ pods: PODS, pageSize: 2 });
  });
  after(() => server[Symbol.asyncDispose]());
  const into = (parameters: Opening['parameters'] = {}, more: Partial<Opening> = {}): Promise<Opened> =>
    open({
      port: server.port,
      credential: token(server.token),
      parameters: { certificateAuthority: lines(server.authority), ...parameters },
      ...more,
    });

  it('runs a shell in a terminal of the right size, and follows a resize', async () => {
    await using client = await into({ namespace: 'shop', pod: 'web-0' });
    client.type('stty size; echo "<$TERM>"; tty >/dev/null && echo is-a-$((1+1))-tty\r');
    await client.see('is-a-2-tty');
    assert.match(client.text(), /33 91/u);
    assert.ok(client.text().includes('<xterm-256color>'));
    client.session.control({ type: 'resize', columns: 256, rows: 77 });
    client.type('stty size\r');
    await client.see('77 256');
    const { facts } = client.session;
    assert.deepEqual(
      [facts['subprotocol'], facts['namespace'], facts['pod'], facts['container']],
      ['v5.channel.k8s.io', 'shop', 'web-0', 'web'],
    );
    assert.deepEqual(server.violations, []);
  });

  it('tells the exit status, and the signal that a shell died of', async () => {
    for (const [command, exitCode, exitSignal] of [
      ['exit 0', 0, undefined],
      ['exit 3', 3, undefined],
      ['kill -KILL $$', 137, 'SIGKILL'],
    ] as const) {
      await using client = await into({ namespace: 'shop', pod: 'web-0', command: ['sh'] });
      client.type(`${command}\r`);
      const end = await client.session.ended;
      assert.deepEqual([end.reason, end.exitCode, end.exitSignal], ['closed-by-target', exitCode, exitSignal]);
    }
  });

  it('says why a command cannot run', async () => {
    await using client = await into({ namespace: 'shop', pod: 'web-0', command: ['/nowhere/sh'] });
    const end = await client.session.ended;
    assert.ok(isFault(end.fault, 'SHELL_REFUSED'));
    assert.match(end.fault.message, /no such file/u);
  });

  it('hands a command its arguments as they are', async () => {
    await using client = await into({
      namespace: 'shop',
      pod: 'web-0',
      command: ['printf', '<%s>\\n', 'a b', '$HOME;&?', 'größe'],
    });
    await client.session.ended;
    assert.ok(client.text().includes('<a b>\r\n<$HOME;&?>\r\n'));
    assert.ok(Buffer.from(client.text(), 'latin1').toString().includes('<größe>'));
  });

  it('lets the person choose what the machine leaves open, over several pages', async () => {
    await using client = await into({}, { answers: ['shop', 'db-0', 'exporter'] });
    assert.deepEqual(
      client.asked.map(({ fields: [field] }) => [field?.text, field?.choices]),
      [
        ['namespace', ['shop', 'mail']],
        ['pod', ['web-0', 'db-0', 'mesh-0']],
        ['container', ['postgres', 'exporter']],
      ],
    );
    assert.equal(client.session.facts['container'], 'exporter');
  });

  it('asks nothing where the selector leaves one pod, and takes its default container', async () => {
    await using client = await into({ namespace: 'shop', labelSelector: 'app=mesh' });
    assert.deepEqual(client.asked, []);
    assert.deepEqual([client.session.facts['pod'], client.session.facts['container']], ['mesh-0', 'app']);
  });

  it('says what is not there', async () => {
    const cases = [
      [{ namespace: 'shop', pod: 'gone-0' }, /"gone-0" not found/u],
      [{ namespace: 'shop', pod: 'job-1' }, /is not running/u],
      [{ namespace: 'shop', pod: 'db-0', container: 'nginx' }, /no container nginx/u],
      [{ namespace: 'shop', labelSelector: 'app=none' }, /no pod runs/u],
    ] as const;
    for (const [parameters, message] of cases)
      await assert.rejects(into(parameters), { code: 'SHELL_REFUSED', message });
  });

  it('takes a name that was typed into no path but as a name', async () => {
    await assert.rejects(into({}, { answers: ['../../secrets'] }), { code: 'SHELL_REFUSED' });
  });

  it('attaches to a running process, which goes on without us', async () => {
    const attach = { namespace: 'shop', pod: 'web-0', mode: 'attach' };
    await using first = await into(attach);
    first.type('kept=by-the-process; echo first-$((3+4))\r');
    await first.see('first-7');
    await first.session[Symbol.asyncDispose]();
    await using second = await into(attach);
    second.type('echo "second-<$kept>"\r');
    await second.see('second-<by-the-process>');
  });

  it('attaches to a process without a terminal: lines end as on a terminal, and what it does not take is not sent', async () => {
    const attach = { namespace: 'mail', pod: 'queue-0', mode: 'attach' };
    await using queue = await into({ ...attach, container: 'queue' });
    await queue.see('sorting\r\n');
    await queue.see('no letter\r\n');
    queue.type('who are you?\r');
    queue.session.control({ type: 'resize', columns: 100, rows: 30 });
    const seen = queue.text().length;
    await until(() => queue.text().indexOf('sorting', seen) > 0);
    await using clerk = await into({ ...attach, container: 'clerk' });
    clerk.type('echo letter-$((3+4)); echo "no stamp" >&2\r');
    await clerk.see('letter-7\r\n');
    await clerk.see('no stamp\r\n');
    clerk.type('exit 5\r');
    assert.equal((await clerk.session.ended).exitCode, 5);
    assert.deepEqual(server.violations, []);
  });

  it('signs in with a client certificate', async () => {
    const key = { kind: 'private-key', username: '', privateKey: new Secret(server.client.key) } as const;
    const parameters = { namespace: 'shop', pod: 'web-0', clientCertificate: lines(server.client.certificate) };
    await using client = await into(parameters, { credential: key });
    client.type('echo by-$((20+2))\r');
    await client.see('by-22');
    await assert.rejects(into({ namespace: 'shop', pod: 'web-0' }, { credential: key }), {
      code: 'CREDENTIAL_MISSING',
    });
  });

  it('says that a token was refused, and sends none that would break the request', async () => {
    await assert.rejects(into({ namespace: 'shop' }, { credential: token('wrong') }), { code: 'CREDENTIAL_REFUSED' });
    const before = server.attempts();
    await assert.rejects(into({}, { credential: token('a\r\nx-evil: 1') }), { code: 'CREDENTIAL_UNREADABLE' });
    assert.equal(server.attempts(), before);
  });

  it('sends no token to a server that its authority does not vouch for', async () => {
    await using other = await startKubeApiServer();
    await assert.rejects(into({ certificateAuthority: lines(other.authority) }), { code: 'HOST_KEY_UNKNOWN' });
    await assert.rejects(into({ serverName: 'elsewhere.example' }), { code: 'HOST_KEY_UNKNOWN' });
    assert.equal(other.attempts(), 0);
  });

  it('ends in words when the server goes away', async () => {
    await using own = await startKubeApiServer();
    await using client = await open({
      port: own.port,
      credential: token(own.token),
      parameters: { certificateAuthority: lines(own.authority) },
    });
    client.type('echo here-$((1+1))\r');
    await client.see('here-2');
    own.cut();
    const end = await client.session.ended;
    assert.ok(end.reason === 'closed-by-target' || isFault(end.fault, 'TARGET_DISCONNECTED'));
  });
});

describe('an older or narrower cluster', () => {
  const one = async (
    options: StandInOptions,
    answers: readonly string[] = [],
  ): Promise<readonly [Opened, KubeApiServer]> => {
    const server = await startKubeApiServer(options);
    const client = await open({
      port: server.port,
      credential: token(server.token),
      parameters: { certificateAuthority: lines(server.authority) },
      answers,
    });
    return [client, server];
  };

  it('is spoken to in v4 where it knows no v5', async () => {
    const [client, server] = await one({ subprotocols: ['v4.channel.k8s.io'] });
    await using _owned = server;
    await using _session = client;
    assert.equal(client.session.facts['subprotocol'], 'v4.channel.k8s.io');
    client.type('exit 5\r');
    assert.equal((await client.session.ended).exitCode, 5);
  });

  it('leaves the names to the person where it lets nothing be listed', async () => {
    const [client, server] = await one({ forbids: ['namespaces', 'pods'] }, ['shop', 'web-0']);
    await using _owned = server;
    await using _session = client;
    assert.deepEqual(
      client.asked.map(({ fields: [field] }) => field?.choices),
      [undefined, undefined],
    );
  });

  it('is refused where it knows neither', async () => {
    await using server = await startKubeApiServer({ subprotocols: ['v3.channel.k8s.io'] });
    await assert.rejects(
      open({
        port: server.port,
        credential: token(server.token),
        parameters: { certificateAuthority: lines(server.authority) },
      }),
      { code: 'SHELL_REFUSED', message: /not supported/u },
    );
  });
});
