import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ApiProblem, RecordingStreamDecoder } from '@enchilada/contract';
import { startRdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { RdpViewer } from '@enchilada/core/testing/viewers/rdp-viewer';
import { until } from '@enchilada/core/testing/until';
import type { Shell } from '../product/index.ts';
import { Site, startSshd, type TargetChange } from './site.ts';

/** Scan codes of set 1: o, t, t, e, r, Return. */
const OTTER = [0x18, 0x14, 0x14, 0x12, 0x13, 0x1c];
const CHANNELS = ['drdynvc', 'cliprdr', 'rdpsnd'];

type Machine = Awaited<ReturnType<typeof startXrdp>>;

/** A viewer of the product with a decoder behind its data socket. */
function decoderOn(shell: Shell): RdpViewer {
  const viewer = new RdpViewer({
    channels: CHANNELS,
    choices: 'keyboard=de-CH',
    send: (bytes) => shell.data.send(bytes),
  });
  shell.onBytes = (bytes) => {
    viewer.push(bytes);
  };
  viewer.greet();
  return viewer;
}

interface MachineKind {
  readonly name: string;
  readonly start: () => Promise<Machine>;
  /** One that shows another key, or a certificate. */
  readonly another: () => Promise<Machine>;
  readonly parameters?: TargetChange['parameters'];
}

const MACHINES: readonly MachineKind[] = [
  { name: 'a machine that has TLS alone (xrdp)', start: () => startXrdp(), another: () => startXrdp() },
  {
    name: 'a machine that demands network level authentication (FreeRDP)',
    start: startRdpShadow,
    another: startRdpShadow,
  },
  {
    name: "a machine that has RDP's own encryption alone (xrdp)",
    start: () => startXrdp({ securityLayer: 'rdp' }),
    another: () => startXrdp(),
    parameters: { allowRdpSecurity: true },
  },
];

for (const { name, start, another, parameters = {} } of MACHINES) {
  describe(name, () => {
    const owned = new AsyncDisposableStack();
    let machine: Machine;
    let site: Site;
    let folder: string;
    before(async () => {
      machine = owned.use(await start());
      site = owned.use(await Site.start());
      folder = await mkdtemp(join(tmpdir(), 'enchilada-rdp-'));
      owned.defer(() => rm(folder, { recursive: true, force: true }));
      // A key whose release is late on its way would be repeated.
      await machine.run('xset', 'r', 'off');
      machine.start('xterm', '-geometry', '20x5+0+0', '-e', `cat > ${join(folder, 'typed')}`);
      await machine.run('xdotool', 'search', '--sync', '--class', 'xterm', 'mousemove', '40', '40');
    });
    after(() => owned.disposeAsync());

    /** What came to the program so far; it makes the file when it starts. */
    const typed = (): Promise<string> => readFile(join(folder, 'typed'), 'utf8').catch(() => '');
    const target = async (change: TargetChange = {}): Promise<string> => {
      const { id } = await site.admin.api.createCredential({
        body: {
          name: `credential ${performance.now()}`,
          kind: 'password',
          username: machine.username,
          secret: machine.password,
        },
      });
      const { host, port } = machine;
      const fields = { name: `machine ${id}`, protocol: 'rdp', host, port, credentialId: id, parameters, ...change };
      return site.machine(fields, ['connect', 'watch']);
    };
    /** A decoder that has drawn its first picture. */
    const seatedAt = async (shell: Shell): Promise<RdpViewer> => {
      const viewer = decoderOn(shell);
      await shell.until(() => viewer.isActive && viewer.updates > 0, 'a picture');
      return viewer;
    };
    const opened = async (targetId: string): Promise<{ readonly first: Shell; readonly viewer: RdpViewer }> => {
      const first = await site.admin.open(targetId);
      await first.live();
      return { first, viewer: await seatedAt(first) };
    };
    const endedBy = async (shell: Shell): Promise<void> => {
      shell.say({ type: 'end' });
      assert.equal((await shell.ended()).reason, 'closed-by-user');
    };

    it('is opened, used, watched, resumed, recorded and verified, and its password is nowhere', async () => {
      const { first, viewer } = await opened(await target());
      assert.deepEqual(viewer.size, { width: 1024, height: 768 });
      first.data.send(viewer.keys(...OTTER));
      await until(async () => (await typed()).includes('otter'), 'what was typed');

      const watching = await site.admin.join(first.sessionId, 'watch');
      const watcher = await seatedAt(watching);
      watching.data.send(watcher.keys(0x2d, 0x1c));
      const seen = watcher.updates;
      await machine.run('xsetroot', '-solid', '#336699');
      await watching.until(() => watcher.updates > seen, 'a change of the picture');
      await first.leave();

      const second = await site.admin.join(first.sessionId, 'control');
      const resumed = await seatedAt(second);
      // The watching decoder goes on with the connection that replaced the first.
      await watching.until(() => watcher.activations === 2, 'the desktop, activated anew');
      const [before, beforeWatching] = [resumed.updates, watcher.updates];
      await machine.run('xsetroot', '-solid', '#996633');
      await second.until(() => resumed.updates > before, 'a change of the picture');
      await watching.until(() => watcher.updates > beforeWatching, 'a change of the picture');
      assert.deepEqual([viewer.failure, watcher.failure, resumed.failure], [undefined, undefined, undefined]);
      assert.equal((await typed()).trim(), 'otter');
      await endedBy(second);

      const { api } = site.admin;
      const recordingId = await until(async () => {
        const found = await api.getSession({ params: { id: first.sessionId } });
        return found.state === 'ended' ? found.recordingId : undefined;
      }, 'the session to be written down as ended');
      await until(
        async () => (await api.verifyRecording({ params: { id: recordingId } })).code === 0,
        'the recording to verify',
      );
      const response = await api.streamRecording({ params: { id: recordingId }, query: {} });
      const events = [...new RecordingStreamDecoder().push(new Uint8Array(await response.arrayBuffer()))];
      const played: RdpViewer[] = [];
      const byChannel = new Map<number, RdpViewer>();
      const recorded: Uint8Array[] = [];
      for (const { event } of events) {
        if (event.kind === 'segment') {
          const decoder = new RdpViewer({ channels: CHANNELS, send: () => undefined });
          byChannel.set(event.channel, decoder);
          played.push(decoder);
        }
        if (event.kind !== 'output') continue;
        recorded.push(event.bytes);
        byChannel.get(event.channel ?? 0)?.push(event.bytes);
      }
      // A fresh decoder draws of the recording what the live ones drew, and what was on its way when they left.
      const live = [viewer, watcher, resumed];
      const facts = ({ size, activations, failure }: RdpViewer): unknown => ({ size, activations, failure });
      assert.deepEqual(played.map(facts), live.map(facts));
      for (const [index, decoder] of played.entries()) assert.ok(decoder.updates >= (live[index]?.updates ?? 0));
      const audit = JSON.stringify(await api.listAudit({ query: { limit: 200 } }));
      const all = Buffer.concat(recorded);
      for (const encoding of ['utf8', 'utf16le'] as const)
        assert.equal(all.indexOf(Buffer.from(machine.password, encoding)), -1);
      assert.ok(!audit.includes(machine.password) && !JSON.stringify(first.frames).includes(machine.password));
      await watching.leave();
      await second.leave();
    });

    it('has the files of another machine beside it, whichever connection the desktop is drawn on', async () => {
      await using sshd = await startSshd();
      const files = join(sshd.directory, 'files');
      await mkdir(files);
      await chmod(files, 0o777);
      const filesTargetId = await site.machineOn(sshd, { name: `files of ${name}` });
      await site.grant(site.admin, filesTargetId, ['file-in', 'file-out']);
      const { first, viewer } = await opened(await target({ filesTargetId }));
      await first.until(() => first.frames.some(({ type }) => type === 'files'), 'the word about files');
      assert.deepEqual(
        first.frames.find(({ type }) => type === 'files'),
        { type: 'files', upload: true, download: true, machine: `files of ${name}` },
      );

      const { api } = site.admin;
      const params = { id: first.sessionId };
      const path = Buffer.from(`${files}/beside.bin`).toString('base64url');
      const content = randomBytes(100_003);
      async function* body(): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(content);
      }
      const sending = { path, transfer: 'a'.repeat(26), offset: 0, size: content.length, replace: false };
      await api.uploadFile({ params, query: sending, body: body() });
      assert.ok((await readFile(join(files, 'beside.bin'))).equals(content));
      const drawn = viewer.updates;
      await machine.run('xsetroot', '-solid', '#663399');
      await first.until(() => viewer.updates > drawn, 'a change of the picture');
      await first.leave();

      const second = await site.admin.join(first.sessionId, 'control');
      await seatedAt(second);
      const fetched = await api.downloadFile({ params, query: { path, transfer: 'b'.repeat(26) } });
      assert.ok(Buffer.from(await fetched.arrayBuffer()).equals(content));
      await endedBy(second);
      await second.leave();
      await assert.rejects(api.listFiles({ params, query: {} }), ApiProblem);
      const { items } = await api.listAudit({ query: { action: 'file.transferred', limit: 100 } });
      const moved = items.filter(({ detail }) => detail?.['sessionId'] === first.sessionId);
      assert.deepEqual(
        moved.map(({ object, outcome, detail }) => [object?.id, outcome, detail?.['direction']]),
        [
          [filesTargetId, 'success', 'download'],
          [filesTargetId, 'success', 'upload'],
        ],
      );
    });

    it('tells another certificate from the pinned one, and sends it no credential', async () => {
      const targetId = await target();
      await using first = await site.admin.open(targetId);
      await first.live();
      await using other = await another();
      const attempts = other.signIns();
      const { api } = site.admin;
      const found = await api.getTarget({ params: { id: targetId } });
      const { id: _id, builtIn: _builtIn, createdAt: _createdAt, updatedAt: _updatedAt, ...rest } = found;
      await api.updateTarget({ params: { id: targetId }, body: { ...rest, port: other.port } });
      const shell = await site.admin.open(targetId, { acceptHostKey: false });
      assert.match((await shell.ended()).fault?.code ?? '', /^HOST_KEY_/u);
      assert.equal(other.signIns(), attempts);
      await shell.leave();
    });
  });
}

describe('a machine behind another', () => {
  it('is reached through an SSH server, again by each connection that takes the desktop over', async () => {
    await using machine = await startXrdp();
    await using entry = await startSshd({ hostKeyTypes: ['ed25519'] });
    await using site = await Site.start();
    const jumpTargetId = await site.machineOn(entry, { name: 'entry' });
    const { id } = await site.admin.api.createCredential({
      body: { name: 'behind', kind: 'password', username: machine.username, secret: machine.password },
    });
    const { host, port } = machine;
    const targetId = await site.machine({ protocol: 'rdp', host, port, credentialId: id, jumpTargetId });
    const first = await site.admin.open(targetId);
    await first.live();
    const viewer = decoderOn(first);
    await first.until(() => viewer.isActive && viewer.updates > 0, 'a picture');
    const facts = first.frames.find((frame) => frame.type === 'facts')?.facts;
    assert.equal(facts?.['via'], 'entry');
    await first.leave();
    await using second = await site.admin.join(first.sessionId, 'control');
    const resumed = decoderOn(second);
    await second.until(() => resumed.isActive && resumed.updates > 0, 'a picture');
  });
});

describe('what goes wrong', () => {
  it('says that name or password is wrong', async () => {
    await using machine = await startRdpShadow();
    await using site = await Site.start();
    const { id } = await site.admin.api.createCredential({
      body: { name: 'wrong', kind: 'password', username: machine.username, secret: 'not the password' },
    });
    const { host, port } = machine;
    const targetId = await site.machine({ protocol: 'rdp', host, port, credentialId: id });
    const shell = await site.admin.open(targetId);
    const { fault } = await shell.ended();
    assert.equal(fault?.code, 'CREDENTIAL_REFUSED');
    await shell.leave();
  });
});
