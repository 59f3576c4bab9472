import assert from 'node:assert/strict';
import { afterEach, mock, test } from 'node:test';
import type { ApiFault } from '../api/http.ts';
import type { DownloadTarget } from './browser-target.ts';
import { Transfers } from './transfers.ts';
import { countsOf, isFolderView, rowsOf, type FolderView, type TransferView } from './transfer-views.ts';

const MOST_TURNS = 2_000;

afterEach(() => mock.restoreAll());

interface Asked {
  readonly transfer: string;
  readonly offset: number;
}

/** A gateway that answers so; waiting between two tries takes no time. */
function gateway(answer: (asked: Asked) => Response | Promise<Response>) {
  const asked: Asked[] = [];
  mock.method(globalThis, 'fetch', async (address: string) => {
    const { searchParams } = new URL(address, 'http://gateway');
    const one = { transfer: searchParams.get('transfer') ?? '', offset: Number(searchParams.get('offset') ?? 0) };
    asked.push(one);
    return await answer(one);
  });
  mock.timers.enable({ apis: ['setTimeout'] });
  const transfers = new Transfers('ses_1', { changed: () => undefined, arrived: () => undefined });
  /** Until nothing moves any more. */
  const settled = async (): Promise<void> => {
    const moves = (): boolean => transfers.views.some(({ state }) => !['done', 'failed', 'paused'].includes(state));
    for (let turn = 0; moves(); turn += 1) {
      assert.ok(turn < MOST_TURNS, 'it goes on without end');
      await new Promise((resolve) => setImmediate(resolve));
      mock.timers.tick(15_000);
    }
    mock.timers.reset();
  };
  return { asked, transfers, settled };
}

const problem = (status: number, code: string, facts: object = {}): Response =>
  Response.json({ code, facts }, { status });

/** Some bytes, and then the network breaks off, unless they are all. */
function bytes(count: number, end: 'end' | 'break'): Response {
  let isSent = false;
  return new Response(
    new ReadableStream({
      pull(controller) {
        if (!isSent) controller.enqueue(new Uint8Array(count));
        else if (end === 'end') controller.close();
        else controller.error(new TypeError('broken off'));
        isSent = true;
      },
    }),
  );
}

function target(): DownloadTarget & { readonly events: string[] } {
  const events: string[] = [];
  const disk = { seek: () => Promise.resolve(), write: () => Promise.resolve(), close: () => Promise.resolve() };
  const handle = {
    createWritable: ({ keepExistingData }: { readonly keepExistingData: boolean }) => {
      events.push(keepExistingData ? 'goes on' : 'begins');
      return Promise.resolve(disk);
    },
  } as unknown as FileSystemFileHandle;
  const noted = (what: string) => () => Promise.resolve(void events.push(what));
  return { events, open: () => Promise.resolve(handle), finished: noted('finished'), discard: noted('discarded') };
}

for (const [what, answer, code] of [
  ['nothing answers', () => Promise.reject(new TypeError('no network')), 'NETWORK'],
  ['the gateway is in trouble', () => problem(503, 'STORE_UNAVAILABLE'), 'STORE_UNAVAILABLE'],
  ['the attempt before does not end', () => problem(409, 'CONFLICT'), 'TRANSFER_LOST'],
] as const)
  test(`where ${what} it is tried again so often, and then said; the person can try again`, async () => {
    const { asked, transfers, settled } = gateway(answer);
    transfers.download('/file', { name: 'file', size: 100 }, target());
    await settled();
    const [view] = transfers.views as readonly TransferView[];
    assert.deepEqual([view?.state, (view?.error as ApiFault | undefined)?.code], ['failed', code]);
    const tries = asked.length;
    assert.ok(tries > 10 && tries < 100, `${tries} tries`);

    mock.timers.enable({ apis: ['setTimeout'] });
    transfers.resume(view?.id ?? '');
    await settled();
    assert.equal(asked.length, 2 * tries);
    // What broke off by itself goes on; what the gateway holds on to is begun as another one.
    assert.equal(asked[0]?.transfer === asked.at(-1)?.transfer, code !== 'TRANSFER_LOST');
  });

test('a download that goes on byte by byte goes on, however often it breaks off', async () => {
  const { asked, transfers, settled } = gateway(({ offset }) => bytes(1, offset === 99 ? 'end' : 'break'));
  const own = target();
  transfers.download('/file', { name: 'file', size: 100 }, own);
  await settled();
  assert.equal(transfers.views[0]?.state, 'done');
  assert.deepEqual(
    asked.map(({ offset }) => offset),
    Array.from({ length: 100 }, (_, offset) => offset),
  );
  assert.deepEqual(
    [own.events[0], new Set(own.events.slice(1, -1)), own.events.at(-1)],
    ['begins', new Set(['goes on']), 'finished'],
  );
});

test('a download that the gateway has forgotten begins anew, under another name, and not without end', async () => {
  let isForgetful = true;
  const { asked, transfers, settled } = gateway(({ offset }) => {
    if (offset > 0) return problem(409, 'CONFLICT', { received: 0 });
    return bytes(100, isForgetful ? 'break' : 'end');
  });
  const own = target();
  transfers.download('/file', { name: 'file', size: 100 }, own);
  await settled();
  const [lost] = transfers.views as readonly TransferView[];
  assert.deepEqual([lost?.state, (lost?.error as ApiFault | undefined)?.code], ['failed', 'TRANSFER_LOST']);
  const begun = asked.filter(({ offset }) => offset === 0);
  assert.deepEqual([asked.length, begun.length, new Set(begun.map(({ transfer }) => transfer)).size], [6, 3, 3]);

  isForgetful = false;
  mock.timers.enable({ apis: ['setTimeout'] });
  transfers.resume(lost?.id ?? '');
  await settled();
  assert.equal(transfers.views[0]?.state, 'done');
  // What came before is not kept beside what comes from the beginning.
  assert.deepEqual(own.events, ['begins', 'begins', 'begins', 'begins', 'finished']);
});

test('files of a folder are paused, counted, tried again and cancelled together, also those that come while it is read', async () => {
  const { transfers, settled, asked } = gateway(() => bytes(10, 'end'));
  const folder = transfers.folder('download', 'Projekt');
  const view = (): FolderView => transfers.views.find(isFolderView) ?? assert.fail('there is no folder');
  const add = (name: string): void =>
    folder.download(`/${name}`, { name, title: `Projekt/${name}`, size: 10 }, target());
  const read = Promise.withResolvers<void>();
  const reading = folder.read(() => read.promise);
  transfers.pause(view().id);
  for (const name of ['a', 'b', 'c']) add(name);
  assert.deepEqual([view().state, view().isReading, countsOf(view()).size], ['paused', true, 30]);
  transfers.resume(view().id);
  let again = 0;
  folder.leftOut({ name: 'Projekt/locked', error: undefined }, () => Promise.resolve(void (again += 1)));
  read.resolve();
  await reading;
  await settled();
  assert.deepEqual([view().state, countsOf(view()).arrived, asked.length], ['failed', 3, 3]);
  assert.deepEqual(
    rowsOf(transfers.views, new Set()).map(({ kind }) => kind),
    ['folder', 'left-out'],
  );
  assert.equal(rowsOf(transfers.views, new Set([view().id])).length, 5);
  transfers.resume(view().id);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([again, view().state], [1, 'done']);

  transfers.download('/other', { name: 'other', size: 10 }, target());
  const late = transfers.folder('download', 'late');
  assert.equal(transfers.cancelAll(), 1);
  assert.deepEqual([late.signal.aborted, transfers.views.length], [false, 2]);
});
