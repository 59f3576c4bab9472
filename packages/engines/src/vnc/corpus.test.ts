import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Secret } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import { altered, readCorpus } from '@enchilada/core/testing/corpus';
import { signIn } from './security/sign-in.ts';

const WISHES = { allowCleartext: true, allowAnonymousTls: true, signInWith: 'auto' } as const;

/** What comes of a sign-in to a server that says these bytes and then hangs up. */
async function outcomeOf(bytes: Uint8Array): Promise<string> {
  const said = Buffer.from(bytes);
  let at = 0;
  const signing = signIn(
    {
      read: (count) => {
        if (at + count > said.length) return Promise.reject(new Fault('TARGET_DISCONNECTED', 'the end'));
        at += count;
        return Promise.resolve(said.subarray(at - count, at));
      },
      write: () => undefined,
      encrypt: () => Promise.resolve(),
      credential: () => Promise.resolve({ kind: 'password', username: 'ada', password: new Secret('otters77') }),
    },
    WISHES,
  );
  return signing.then(
    ({ security }) => security,
    (failure: unknown) => {
      if (isFault(failure)) return failure.code;
      throw failure;
    },
  );
}

describe('the corpus of handshakes', () => {
  for (const { outcome, bytes, words } of readCorpus(join(import.meta.dirname, 'corpus', 'handshake.txt'))) {
    it(`comes to "${outcome}": ${words}; and altered to what it may`, async () => {
      assert.equal(await outcomeOf(bytes), outcome);
      await fc.assert(
        fc.asyncProperty(altered(bytes), async (hostile) => {
          await outcomeOf(hostile);
        }),
        { numRuns: 300 },
      );
    });
  }
});
