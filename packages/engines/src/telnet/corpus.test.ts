import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { altered, readCorpus } from '@enchilada/core/testing/corpus';
import { Negotiation, OPTION, readEnvironmentRequest, TelnetDecoder } from './codec/index.ts';

/** The data in so many bytes, what is answered, and what was asked for beside. */
function outcomeOf(bytes: Uint8Array, step = bytes.length): string {
  const decoder = new TelnetDecoder();
  const all = new Set<number>(Object.values(OPTION));
  const negotiation = new Negotiation({ local: all, remote: all });
  const found: string[] = [];
  let data = 0;
  try {
    for (let at = 0; at < bytes.length; at += step)
      for (const event of decoder.push(bytes.subarray(at, at + step))) {
        if (event.kind === 'data') data += event.bytes.length;
        if (event.kind === 'negotiation') {
          const { reply } = negotiation.receive(event.verb, event.option);
          if (reply !== undefined) found.push(`${reply.verb}-${reply.option}`);
        }
        if (event.kind === 'subnegotiation') {
          const wanted = event.option === OPTION.NEW_ENVIRON ? readEnvironmentRequest(event.bytes) : undefined;
          found.push(
            `SB-${event.option}${wanted === undefined ? '' : `(${wanted.map(({ name }) => encodeURIComponent(name)).join()})`}`,
          );
        }
      }
  } catch (failure) {
    if (!isFault(failure, 'TARGET_PROTOCOL_VIOLATION')) throw failure;
    found.push(failure.code);
  }
  assert.ok(data <= bytes.length);
  return [`data-${data}`, ...found].join(' ');
}

describe('the corpus of telnet', () => {
  for (const { outcome, bytes, words } of readCorpus(join(import.meta.dirname, 'corpus', 'telnet.txt')))
    it(`comes to "${outcome}": ${words}; cut anyhow to the same, and altered to what it may`, () => {
      assert.equal(outcomeOf(bytes), outcome);
      for (const step of [1, 3, 50]) if (!outcome.endsWith('VIOLATION')) assert.equal(outcomeOf(bytes, step), outcome);
      fc.assert(
        fc.property(altered(bytes), (hostile) => void outcomeOf(hostile)),
        { numRuns: 300 },
      );
    });
});
