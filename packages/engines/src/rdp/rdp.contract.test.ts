import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { startRdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { streamedEngineSuite, type StreamedFixture } from '@enchilada/core/testing/streamed-engine-suite';
import { RdpViewer } from '@enchilada/core/testing/viewers/rdp-viewer';
import { closedPort } from '@enchilada/core/testing/free-port';
import { engine, hopTo } from './testing.ts';

/** Scan codes of set 1. */
const [KEY_A, RETURN] = [0x1e, 0x1c];
const CHANNELS = ['drdynvc', 'cliprdr', 'rdpsnd'];

type Machine = Awaited<ReturnType<typeof startXrdp>>;

async function fixtureOf(machine: Machine, parameters: ParameterValues = {}): Promise<StreamedFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-rdp-'));
  const file = join(folder, 'typed');
  const nothing = await closedPort();
  let colour = 0x20_20_20;
  machine.start('xterm', '-geometry', '20x5+0+0', '-e', `cat > ${file}`);
  // Without a window manager the keys go where the pointer is.
  await machine.run('xdotool', 'search', '--sync', '--class', 'xterm', 'mousemove', '40', '40');
  const hop = (port: number) =>
    hopTo({
      ...machine,
      host: 'localhost',
      port,
      parameters,
      hop: {
        verifyHostKey: async (presented) => {
          if (presented.fingerprint !== machine.fingerprint) throw new Fault('HOST_KEY_UNKNOWN', presented.fingerprint);
        },
      },
    });
  const viewer = new RdpViewer({ send: () => undefined });
  return {
    engine: engine(),
    hop: () => hop(machine.port),
    closedPort: () => hop(nothing),
    attempts: () => machine.signIns(),
    decoder: (send) => {
      const decoder = new RdpViewer({ send, channels: CHANNELS });
      return {
        begin: () => {
          decoder.greet();
        },
        push: (message) => {
          decoder.push(message);
          if (decoder.failure !== undefined) throw new Error(decoder.failure);
        },
        get hasPicture() {
          return decoder.isActive && decoder.updates > 0;
        },
      };
    },
    next: () => viewer.locks(),
    change: async () => {
      colour += 0x01_02_03;
      await machine.run('xsetroot', '-solid', `#${colour.toString(16)}`);
    },
    typed: () => viewer.keys(KEY_A, RETURN),
    hasTyped: async () => (await readFile(file, 'utf8').catch(() => '')).includes('a'),
    stop: () => machine.stop(),
    [Symbol.asyncDispose]: async () => {
      await machine[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

streamedEngineSuite('rdp, xrdp over a VNC desktop', async () => fixtureOf(await startXrdp()));
streamedEngineSuite('rdp, xrdp with a desktop of its own', async () => fixtureOf(await startXrdp({ backend: 'xorg' })));
streamedEngineSuite('rdp, its own encryption', async () =>
  fixtureOf(await startXrdp({ securityLayer: 'rdp' }), { allowRdpSecurity: true }),
);
streamedEngineSuite('rdp, network level authentication', async () => fixtureOf(await startRdpShadow()));
