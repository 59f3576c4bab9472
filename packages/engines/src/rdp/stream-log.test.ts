import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StreamLog } from './stream-log.ts';

function readAll(log: StreamLog): readonly string[] {
  const out: string[] = [];
  for (let at = 0; ;) {
    const found = log.read(at);
    if (found === undefined) return out;
    out.push(found.message.toString('hex'));
    at = found.next;
  }
}

describe('the messages of a connection', () => {
  it('come back as they were, from any of their beginnings', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 5_000 }), { maxLength: 20 }), (messages) => {
        using log = new StreamLog();
        const places = messages.map((message) => {
          const at = log.end;
          log.append(message);
          return at;
        });
        const wanted = messages.map((message) => Buffer.from(message).toString('hex'));
        assert.deepEqual(readAll(log), wanted);
        assert.deepEqual(
          places.map((at) => log.read(at)?.message.toString('hex')),
          wanted,
        );
      }),
      { numRuns: 50 },
    );
  });

  it('are given back file by file where nobody reads them any more, and the rest is read as before', () => {
    using log = new StreamLog({ mostBytes: 1_000, partBytes: 100 });
    const places = Array.from({ length: 20 }, (_, number) => {
      const at = log.end;
      log.append(Buffer.alloc(36, number));
      return at;
    });
    // Three messages of 40 bytes a file; the second to the fifth file lie between.
    log.drop(100, 600);
    for (const [number, at] of places.entries())
      if (number < 3 || number >= 15) assert.deepEqual(log.read(at)?.message, Buffer.alloc(36, number));
      else assert.throws(() => log.read(at), { code: 'CONFLICT' });
    log.drop(0, log.end);
    assert.deepEqual(log.read(places[19] ?? 0)?.message, Buffer.alloc(36, 19), 'the last file stays');
    assert.equal(log.read(log.end), undefined);
  });

  it('are no more than they may be, until what was left out is needed no more', () => {
    using log = new StreamLog({ mostBytes: 200, partBytes: 100 });
    const message = Buffer.alloc(36, 1);
    for (let count = 0; count < 5; count += 1) log.append(message);
    const words = (): string | undefined => log.failure?.message;
    assert.equal(words(), undefined);
    log.append(message);
    assert.match(words() ?? '', /more than 200 bytes/u);
    log.drop(0, 120);
    log.append(message);
    assert.equal(log.end, 200, 'a hole would not be seen');
    log.goOn();
    log.append(Buffer.alloc(36, 2));
    assert.deepEqual([words(), log.read(200)?.message], [undefined, Buffer.alloc(36, 2)]);
  });

  it('lie in a file without a name, which is gone with the connection', () => {
    const files = (): readonly string[] =>
      readdirSync('/proc/self/fd').flatMap((fd) => {
        try {
          return [readlinkSync(`/proc/self/fd/${fd}`)].filter((path) => path.includes('enchilada-desktop-'));
        } catch {
          return [];
        }
      });
    const log = new StreamLog();
    assert.deepEqual(files(), [], 'nothing is opened for a connection that has said nothing');
    log.append(Buffer.from('otters'));
    assert.equal(files().length, 1);
    assert.match(files()[0] ?? '', /\(deleted\)$/u);
    log[Symbol.dispose]();
    assert.deepEqual(files(), []);
    assert.equal(log.read(0), undefined);
    log.append(Buffer.from('late'));
    assert.equal(log.failure?.code, 'SESSION_ENDED');
  });
});
