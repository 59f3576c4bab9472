import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { altered, readCorpus } from '@enchilada/core/testing/corpus';
import { readNumbers, SftpDecoder, type SftpResponse } from './codec/sftp-packets.ts';

function words(response: SftpResponse): string {
  switch (response.type) {
    case 'version':
      return `version-${response.version}+${response.extensions.size}`;
    case 'status':
      return `status-${response.code}`;
    case 'name':
      return `name(${response.entries.map(({ kind, size }) => `${kind}-${size ?? '?'}`).join()})`;
    case 'attributes':
      return `${response.attributes.kind}-${response.attributes.size ?? '?'}`;
    case 'extended':
      return `extended-${readNumbers(response.payload).length}`;
    case 'data':
      return `data-${response.bytes.length}`;
    case 'handle':
      return `handle-${response.handle.length}`;
  }
}

function outcomeOf(bytes: Uint8Array, step = bytes.length): string {
  const decoder = new SftpDecoder();
  const found: string[] = [];
  try {
    for (let at = 0; at < bytes.length; at += step)
      for (const response of decoder.push(bytes.subarray(at, at + step))) found.push(words(response));
  } catch (failure) {
    if (!isFault(failure, 'TARGET_PROTOCOL_VIOLATION')) throw failure;
    found.push(failure.code);
  }
  return found.join(' ');
}

describe('the corpus of SFTP responses', () => {
  for (const { outcome, bytes, words: what } of readCorpus(join(import.meta.dirname, 'corpus', 'sftp-responses.txt')))
    it(`comes to "${outcome}": ${what}; cut anyhow to the same, and altered to what it may`, () => {
      assert.equal(outcomeOf(bytes), outcome);
      for (const step of [1, 5, 100]) assert.equal(outcomeOf(bytes, step), outcome);
      fc.assert(
        fc.property(altered(bytes), (hostile) => void outcomeOf(hostile)),
        { numRuns: 300 },
      );
    });
});
