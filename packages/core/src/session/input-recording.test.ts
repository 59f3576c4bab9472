import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordingEvent } from '../recording/index.ts';
import { InputRecording } from './index.ts';
import type { InputPolicy } from './index.ts';

class Keys {
  now = 0;
  readonly kept: RecordingEvent[] = [];
  readonly #input: InputRecording;

  constructor(policy: InputPolicy = 'echoed') {
    this.#input = new InputRecording(
      policy,
      (event) => this.kept.push(event),
      () => this.now,
    );
  }

  type(text: string): this {
    this.#input.typed(Buffer.from(text));
    return this;
  }

  shows(text: string): this {
    this.#input.echoed(Buffer.from(text));
    return this;
  }

  waits(): this {
    this.now += 3_000;
    this.#input.settle(this.now);
    return this;
  }

  /** Text as it was kept, lengths as numbers. */
  get all(): readonly (string | number | undefined)[] {
    return this.kept.map((event) =>
      event.kind === 'input'
        ? Buffer.from(event.bytes).toString()
        : event.kind === 'input-length'
          ? event.count
          : undefined,
    );
  }
}

test('what is echoed is kept, whether key by key, all at once or a little late', () => {
  assert.deepEqual(new Keys().type('l').shows('l').type('s').shows('s').all, ['l', 's']);
  assert.deepEqual(new Keys().type('ls').shows('l').shows('s').all, ['l', 's']);
  assert.deepEqual(new Keys().type('l').type('s').shows('ls').all, ['ls']);
  assert.deepEqual(new Keys().type('ls\r').shows('ls\r\nfile\r\n$ ').all, ['ls', 1]);
  assert.deepEqual(new Keys().type('ls').shows('ls\u001b[90m -la\u001b[0m').all, ['ls']);
});

test('what is not echoed is kept as its length', () => {
  assert.deepEqual(new Keys().type('hunter2').waits().all, [7]);
  assert.deepEqual(new Keys().type('hunter2\r').shows('\r\nSorry, try again.\r\n').all, [8]);
  assert.deepEqual(new Keys().type('hunter2').shows('*******').all, [7]);
  assert.deepEqual(new Keys('length').type('ls').shows('ls').all, [2]);
  assert.deepEqual(new Keys('off').type('ls').shows('ls').all, []);
});

test('a hidden password is not put together from the output that follows it', () => {
  const listing = 'drwxr-xr-x 2 root root 4096 hunter2 abcdefghijklmnopqrstuvwxyz 0123456789\r\n'.repeat(1_000);
  assert.deepEqual(new Keys().type('hunter2\r').shows(`\r\n${listing}`).all, [8]);
  assert.deepEqual(new Keys().type('hunter2\r').shows(listing).all, [8]);
  assert.deepEqual(new Keys().type('hunter2').type('\r').shows('h').shows(listing).all[0], 'h', 'one letter by chance');
  assert.deepEqual(new Keys().type('hunter2\r').shows('hunting season is open\r\n').all, [8]);
  const secret = fc.string({
    minLength: 6,
    maxLength: 20,
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(secret, fc.string({ minLength: 2, maxLength: 4_000, unit: 'binary-ascii' }), (password, output) => {
      fc.pre(!output.startsWith(password) && !password.startsWith(output));
      assert.deepEqual(new Keys().type(`${password}\r`).shows(output).waits().all, [password.length + 1]);
    }),
    { numRuns: 2_000 },
  );
});
