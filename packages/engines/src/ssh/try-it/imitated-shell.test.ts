import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { checkedOpen, until } from '../testing.ts';
import { imitatedShells } from './imitated-shell.ts';
import { createTryItMachine } from './index.ts';

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };

test('a computer that can lock no shell in gives a session all the same, which says what it is and runs nothing', async () => {
  await using machine = createTryItMachine({ random, shells: Promise.resolve(imitatedShells()) });
  await using client = await checkedOpen({ machine });
  await until(() => client.output().includes('~$'));
  assert.match(client.output(), /only imitates a shell/u);
  const type = async (text: string, expected: RegExp): Promise<void> => {
    client.session.input(Buffer.from(text));
    await until(() => expected.test(client.output()));
  };
  await type('help\r', /Nothing you type is run/u);
  await type('echo héllo 👋x\x7f\r', /\r\nhéllo 👋\r\n/u);
  await type('cat /etc/passwd; $(id)\r', /cat: not known to this imitation/u);
  assert.doesNotMatch(client.output(), /root:|uid=/u);
  client.session.control({ type: 'resize', columns: 101, rows: 33 });
  await type('size\r', /101 columns, 33 rows/u);
  await type('half a line\x03', /\^C\r\n/u);
  await type('\x1b[A\x07echo \x9bcl\u202eean\r', /\r\nclean\r\n/u);
  await type(`${'x'.repeat(5_000)}\r`, /x{900}: not known/u);
  client.session.input(Buffer.from('exit\r'));
  assert.deepEqual(await client.session.ended, { reason: 'closed-by-target', exitCode: 0 });
});
