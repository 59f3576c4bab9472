import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { chunkName, HEAD_NAME, MANIFEST_NAME, recordingPrefix } from '@enchilada/core/recording';
import type { RecordingStore, StoredObject } from '@enchilada/core/recording';
import { randomId } from '@enchilada/core/time';

const DAY_MS = 86_400_000;
const NOON = Date.UTC(2026, 2, 1, 12);
const LIMIT = 2_000_000;

const newId = (): string => randomId({ bytes: (length) => new Uint8Array(randomBytes(length)) });

async function names(list: AsyncIterable<StoredObject>): Promise<string[]> {
  const out: string[] = [];
  for await (const { name } of list) out.push(name);
  return out;
}

/** What every RecordingStore does, run against the real thing. `open` gives an empty store. */
export function recordingStoreSuite(name: string, open: () => Promise<RecordingStore>): void {
  describe(`recording store ${name}`, () => {
    it('gives back what was put, and its size in the listing', async () => {
      const store = await open();
      const object = `${recordingPrefix(newId(), NOON)}/${chunkName(1)}`;
      const bytes = randomBytes(1_000_000);
      assert.equal(await store.put(object, bytes), 'stored');
      assert.deepEqual(Buffer.from((await store.get(object, LIMIT)) ?? []), bytes);
      for await (const listed of store.list('rec/v1')) assert.deepEqual(listed, { name: object, size: bytes.length });
    });

    it('stores an empty object', async () => {
      const store = await open();
      await store.put('chk/v1/empty.json', new Uint8Array());
      assert.equal((await store.get('chk/v1/empty.json', LIMIT))?.length, 0);
    });

    it('answers undefined for what is not there, and lists an absent folder as empty', async () => {
      const store = await open();
      assert.equal(await store.get('rec/v1/none.brc', LIMIT), undefined);
      assert.deepEqual(await names(store.list('rec/v1/2020')), []);
      assert.equal(await store.locate(newId()), undefined);
    });

    it('takes the same bytes again as identical and refuses others, keeping the first', async () => {
      const store = await open();
      await store.put('rec/v1/a.brc', Buffer.from('first'));
      assert.equal(await store.put('rec/v1/a.brc', Buffer.from('first')), 'identical');
      for (const other of ['other', 'first and more', '']) {
        await assert.rejects(store.put('rec/v1/a.brc', Buffer.from(other)), (cause) => isFault(cause, 'CONFLICT'));
      }
      assert.equal(Buffer.from((await store.get('rec/v1/a.brc', LIMIT)) ?? []).toString(), 'first');
    });

    it('lets exactly one of two writers of a name win', async () => {
      const store = await open();
      const writers = Array.from({ length: 8 }, (_, index) => store.put('rec/v1/race.brc', Buffer.from([index])));
      const outcomes = await Promise.allSettled(writers);
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
      assert.deepEqual([...((await store.get('rec/v1/race.brc', LIMIT)) ?? [])], [winner]);
    });

    it('refuses to read more than the caller expects', async () => {
      const store = await open();
      await store.put('rec/v1/large.brc', randomBytes(1001));
      await assert.rejects(store.get('rec/v1/large.brc', 1000), (cause) => isFault(cause, 'RECORDING_DAMAGED'));
    });

    it('lists by name, and only below the folder asked for', async () => {
      const store = await open();
      for (const object of [
        'rec/v1/b/2.brc',
        'rec/v1/b/10.brc',
        'rec/v1/b.brc',
        'rec/v1/a/1.brc',
        'rec/v1/b-c/1.brc',
        'chk/v1/x.json',
      ]) {
        await store.put(object, Buffer.from(object));
      }
      assert.deepEqual(await names(store.list('rec/v1')), [...(await names(store.list('rec/v1')))].sort());
      assert.equal((await names(store.list('rec/v1'))).length, 5);
      assert.deepEqual(await names(store.list('rec/v1/b')), ['rec/v1/b/10.brc', 'rec/v1/b/2.brc']);
    });

    it('finds a recording by its id alone', async () => {
      const store = await open();
      const [early, late] = [newId(), newId()];
      await store.put(`${recordingPrefix(early, NOON)}/${HEAD_NAME}`, Buffer.from('{}'));
      await store.put(`${recordingPrefix(late, NOON + 40 * DAY_MS)}/${HEAD_NAME}`, Buffer.from('{}'));
      assert.equal(await store.locate(early), recordingPrefix(early, NOON));
      assert.equal(await store.locate(late), recordingPrefix(late, NOON + 40 * DAY_MS));
      assert.equal(await store.locate('../../../etc/passwd'), undefined);
    });

    it('refuses names that leave its folder', async () => {
      const store = await open();
      for (const bad of ['../x', 'rec/../../x', '/etc/x', 'rec//x', 'rec/.hidden', 'rec/x\0y', '']) {
        await assert.rejects(store.put(bad, Buffer.from('x')), RangeError, bad);
      }
    });

    it('retires ended recordings of earlier days, and nothing else', async () => {
      const store = await open();
      const [old, live, today] = [newId(), newId(), newId()];
      for (const [id, at] of [
        [old, NOON - DAY_MS],
        [live, NOON - DAY_MS],
        [today, NOON],
      ] as const) {
        await store.put(`${recordingPrefix(id, at)}/${HEAD_NAME}`, Buffer.from(id));
        if (id !== live) await store.put(`${recordingPrefix(id, at)}/${MANIFEST_NAME}`, Buffer.from(id));
      }
      await store.put('chk/v1/2026/02/28/1200-n.json', Buffer.from('{}'));
      assert.deepEqual(await store.retire(NOON), [old]);
      assert.equal(await store.locate(old), undefined);
      assert.notEqual(await store.locate(live), undefined);
      assert.notEqual(await store.locate(today), undefined);
      assert.deepEqual(await names(store.list('chk/v1')), ['chk/v1/2026/02/28/1200-n.json']);
      assert.deepEqual(await store.retire(NOON), []);
    });

    it('says how much room is left', async () => {
      assert.ok((await (await open()).freeBytes()) > 0);
    });
  });
}
