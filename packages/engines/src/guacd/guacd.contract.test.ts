import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedPort } from '@enchilada/core/testing/free-port';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { streamedEngineSuite } from '@enchilada/core/testing/streamed-engine-suite';
import { encodeInstruction, InstructionDecoder } from './codec/index.ts';
import { engine, hopTo } from './testing/hop.ts';

const said = (...instructions: readonly (readonly [string, ...string[]])[]): Buffer =>
  Buffer.concat(instructions.map(([opcode, ...words]) => encodeInstruction(opcode, ...words)));

streamedEngineSuite('guacd', async () => {
  const guacd = await Guacd.start();
  const desktop = await startXvnc({ geometry: '320x240', securityTypes: 'VncAuth' });
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-guacd-'));
  const file = join(folder, 'typed');
  const nothing = await closedPort();
  let colour = 0x20_20_20;
  desktop.start('xterm', '-geometry', '20x5+0+0', '-e', `cat > ${file}`);
  await desktop.run('xdotool', 'search', '--sync', '--class', 'xterm', 'mousemove', '40', '40');
  const hop = (port: number) => hopTo({ host: '127.0.0.1', port, protocol: 'vnc', password: desktop.password });
  return {
    engine: engine(guacd),
    hop: () => hop(desktop.port),
    closedPort: () => hop(nothing),
    attempts: () => desktop.signIns(),
    decoder: (send) => {
      const decoder = new InstructionDecoder('INTERNAL');
      let pictures = 0;
      return {
        begin: () => undefined,
        push: (message) => {
          for (const { opcode, arguments: words } of decoder.push(message)) {
            if (opcode === 'img' || opcode === 'cfill' || opcode === 'png') pictures += 1;
            if (opcode === 'sync') send(encodeInstruction('sync', words[0] ?? '0'));
          }
        },
        get hasPicture() {
          return pictures > 0;
        },
      };
    },
    next: () => said(['nop']),
    change: async () => {
      colour += 0x01_02_03;
      await desktop.run('xsetroot', '-solid', `#${colour.toString(16)}`);
    },
    typed: () => said(['key', '97', '1'], ['key', '97', '0'], ['key', '65293', '1'], ['key', '65293', '0']),
    hasTyped: async () => (await readFile(file, 'utf8').catch(() => '')).includes('a'),
    stop: () => desktop.stop(),
    [Symbol.asyncDispose]: async () => {
      await desktop[Symbol.asyncDispose]();
      await guacd[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
