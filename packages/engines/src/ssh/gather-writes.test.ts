import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { gatherWrites } from './gather-writes.ts';

test('what is written in one turn leaves at once, in order, and nothing waits for more', async () => {
  const batches: string[][] = [];
  const stream = new Duplex({
    read: () => undefined,
    writev(chunks, done) {
      batches.push(chunks.map(({ chunk }) => (chunk as Buffer).toString()));
      done();
    },
  });
  gatherWrites(stream);
  for (const part of ['length', 'content', 'tag']) stream.write(Buffer.from(part));
  await new Promise(setImmediate);
  stream.write(Buffer.from('next'));
  stream.end();
  await once(stream, 'finish');
  assert.deepEqual(batches, [['length', 'content', 'tag'], ['next']]);
});
