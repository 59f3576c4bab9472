import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { ANSWER, openDesktop, TestSeat, until, updateRequest } from './testing.ts';

/** SetEncodings: Raw and the extended clipboard. */
const WISHES = Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 0xc0, 0xa1, 0xe5, 0xce]);
const TEXT = 'from the machine: äß€';

/** What a program on the machine does that copies: OSC 52 sets the clipboard of the display. */
function copyScript(text: string): readonly string[] {
  const words = `printf '\\033]52;c;${Buffer.from(text).toString('base64')}\\007'; sleep 600`;
  return ['-xrm', 'XTerm*allowWindowOps: true', '-e', words];
}

for (const [mode, deniedBy] of [
  ['control', undefined],
  ['control', 'the settings'],
  ['control', 'the grants'],
  ['watch', undefined],
] as const) {
  const passes = mode === 'control' && deniedBy === undefined;
  const disableCopy = deniedBy === 'the settings';
  test(`what the machine copies ${passes ? 'reaches' : 'does not reach'} a ${mode} seat${deniedBy === undefined ? '' : ` where ${deniedBy} forbid copying`}`, async () => {
    await using desktop = await startXvnc({ securityTypes: 'None', geometry: '64x48' });
    await using session = await openDesktop({ ...desktop, parameters: { allowCleartext: true, disableCopy } });
    const seat = new TestSeat(mode);
    seat.clipboard.download = deniedBy !== 'the grants';
    const stream = await session.join(seat);
    for (const message of [ANSWER, WISHES, updateRequest(64, 48)]) stream.input(message);
    await until(() => seat.bytes.length > 64 * 48 * 4);
    desktop.start('xterm', ...copyScript(TEXT));
    await until(() => /Sending clipboard to clients|notifying clients/u.test(desktop.log()));
    if (passes) {
      await until(() => seat.events.some(({ type }) => type === 'clipboard'));
      const sha256 = createHash('sha256').update(TEXT).digest();
      assert.deepEqual(
        seat.events.find(({ type }) => type === 'clipboard'),
        { type: 'clipboard', direction: 'download', size: Buffer.byteLength(TEXT), sha256 },
      );
      // No message of the clipboard is part of the picture, which is what a recording holds.
      const asides = seat.asides.map((message) => Buffer.from(message));
      assert.ok(asides.length > 0 && asides.every((message) => message[0] === 3 && !seat.bytes.includes(message)));
    }
    // The stream goes on behind it: what policy took out left nothing broken.
    const seen = seat.bytes.length;
    stream.input(updateRequest(64, 48));
    await until(() => seat.bytes.length >= seen + 64 * 48 * 4);
    if (!passes) assert.deepEqual(seat.events, []);
  });
}
