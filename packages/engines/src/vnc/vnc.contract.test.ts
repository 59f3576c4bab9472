import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@enchilada/core/fault';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { streamedEngineSuite } from '@enchilada/core/testing/streamed-engine-suite';
import { closedPort } from '@enchilada/core/testing/free-port';
import { ANSWER, engine, hopTo, updateRequest, WISHES } from './testing.ts';

const KEY_A = [1, 0].map((down) => Buffer.from([4, down, 0, 0, 0, 0, 0, 0x61]));
const RETURN = [1, 0].map((down) => Buffer.from([4, down, 0, 0, 0, 0, 0xff, 0x0d]));

streamedEngineSuite('vnc', async () => {
  const desktop = await startXvnc({ geometry: '320x240' });
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-vnc-'));
  const file = join(folder, 'typed');
  const nothing = await closedPort();
  let colour = 0x20_20_20;
  desktop.start('xterm', '-geometry', '20x5+0+0', '-e', `cat > ${file}`);
  // Without a window manager the keys go where the pointer is.
  await desktop.run('xdotool', 'search', '--sync', '--class', 'xterm', 'mousemove', '40', '40');
  const hop = (port: number) =>
    hopTo({
      host: 'localhost',
      port,
      password: desktop.password,
      hop: {
        verifyHostKey: async (presented) => {
          if (presented.fingerprint !== desktop.fingerprint) throw new Fault('HOST_KEY_UNKNOWN', presented.fingerprint);
        },
      },
    });
  return {
    engine: engine(),
    hop: () => hop(desktop.port),
    closedPort: () => hop(nothing),
    attempts: () => desktop.signIns(),
    decoder: (send) => {
      let bytes = 0;
      return {
        begin: () => {
          send(Buffer.concat([ANSWER, WISHES, updateRequest(320, 240)]));
        },
        push: (message) => {
          bytes += message.length;
        },
        get hasPicture() {
          return bytes > 100;
        },
      };
    },
    next: () => updateRequest(320, 240, true),
    change: async () => {
      colour += 0x01_02_03;
      await desktop.run('xsetroot', '-solid', `#${colour.toString(16)}`);
    },
    typed: () => Buffer.concat([...KEY_A, ...RETURN]),
    hasTyped: async () => (await readFile(file, 'utf8').catch(() => '')).includes('a'),
    stop: () => desktop.stop(),
    [Symbol.asyncDispose]: async () => {
      await desktop[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
