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
