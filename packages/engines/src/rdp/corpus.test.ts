import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Fault, isFault } from '@enchilada/core/fault';
import { altered, readCorpus } from '@enchilada/core/testing/corpus';
import { violation } from './codec/bytes.ts';
import { readDer } from './codec/der.ts';
import { parseCleanPathRequest } from './codec/rdcleanpath.ts';
import { parseConnectionConfirm } from './codec/x224.ts';
import { proveByNla } from './security/credssp.ts';
import { NtlmClient } from './security/ntlm.ts';

const CORPUS = join(import.meta.dirname, 'corpus');
const certificate = new Uint8Array(
  Buffer.from(readFileSync(join(CORPUS, 'nla-certificate.hex'), 'utf8').trim(), 'hex'),
);
/** As it was when the server was asked: what it answered proves its key again. */
const IDENTITY = { username: 'otter', domain: '', password: 'Seven-calm-otters', service: 'TERMSRV/desk' };
const chance = { now: 0, random: (count: number) => new Uint8Array(count).fill(0xaa) };
/** With the third message the password leaves. */
const BEFORE_PASSWORD = 2;

async function network(bytes: Uint8Array): Promise<string> {
  let [at, written] = [0, 0];
  const proving = proveByNla(
    {
      write: () => void (written += 1),
      read: () => Promise.reject(new Fault('TARGET_DISCONNECTED', 'the end')),
      readDer: async () => {
        const rest = bytes.subarray(at);
        const value = readDer(rest);
        if (value === null) throw violation('its CredSSP answer is none');
        if (value === undefined) throw new Fault('TARGET_DISCONNECTED', 'the end');
        at += value.end;
        return rest.subarray(0, value.end);
      },
    },
    {
      ...{ certificate, account: IDENTITY, random: chance.random, protocol: 2 },
      context: new NtlmClient(IDENTITY, chance),
    },
  );
  return proving.then(
    () => 'signed in',
    (failure: unknown) => {
      assert.ok(written <= BEFORE_PASSWORD, 'the password left');
      if (isFault(failure)) return failure.code;
      throw failure;
    },
  );
}

function confirm(bytes: Uint8Array): string {
  try {
    const found = parseConnectionConfirm(bytes);
    return 'refusal' in found ? 'refused' : `protocol ${found.protocol}`;
  } catch (failure) {
    if (isFault(failure, 'TARGET_PROTOCOL_VIOLATION')) return failure.code;
    throw failure;
  }
}

function cleanPath(bytes: Uint8Array): string {
  const found = parseCleanPathRequest(bytes);
  if (found === undefined) return 'more';
  return found === null ? 'none' : `request ${found.request.choices}`.trim();
}

for (const [file, outcomeOf] of [
  ['connection-confirm', confirm],
  ['rdcleanpath', cleanPath],
  ['nla', network],
] as const) {
  describe(`the corpus of ${file}`, () => {
    for (const { outcome, bytes, words } of readCorpus(join(CORPUS, `${file}.txt`))) {
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
}
