import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { ascii, joinBytes } from '../codec/bytes.ts';
import { derChildren, derInner, explicit, integer, octets, readDer, sequence } from '../codec/der.ts';
import { proveByNla } from './credssp.ts';
import type { ContextStep, SecurityContext } from './security-context.ts';

const certificate = Buffer.from(
  readFileSync(join(import.meta.dirname, '../corpus/nla-certificate.hex'), 'utf8').trim(),
  'hex',
);
const ACCOUNT = { username: 'ada', domain: 'CORP', password: 'sesame' };
const nonce = new Uint8Array(32).fill(7);

/** Wraps by a mark in front. It has as many legs as it is told, and says nothing with the last, as Kerberos does behind an AP-REP. */
class MarkedContext implements SecurityContext {
  readonly mechanism = 'marks';
  readonly heard: string[] = [];
  readonly #answers: number;

  constructor(answers: number) {
    this.#answers = answers;
  }

  step(answer: Uint8Array | undefined): ContextStep {
    if (answer !== undefined) this.heard.push(Buffer.from(answer).toString());
    const isEstablished = this.heard.length === this.#answers;
    return { token: isEstablished ? undefined : ascii(`leg ${this.heard.length}`), isEstablished };
  }

  wrap(plain: Uint8Array): Uint8Array {
    return joinBytes(ascii('M'), plain);
  }

  unwrap(wrapped: Uint8Array): Uint8Array {
    return wrapped.subarray(1);
  }
}

function field(message: Uint8Array, number: number): Uint8Array | undefined {
  const found = derChildren(readDer(message)?.value ?? new Uint8Array()).find(({ tag }) => (tag & 0x1f) === number);
  return found === undefined ? undefined : derInner(found)?.value;
}

const answer = (number: number, value: Uint8Array): Uint8Array =>
  sequence(explicit(0, integer(6)), explicit(number, value));
const token = (text: string): Uint8Array => answer(1, sequence(sequence(explicit(0, octets(ascii(text))))));

function keyProof(): Uint8Array {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  const bits = derChildren(readDer(key)?.value ?? new Uint8Array())[1]?.value.subarray(1) ?? new Uint8Array();
  const hash = createHash('sha256').update(joinBytes(ascii('CredSSP Server-To-Client Binding Hash\0'), nonce, bits));
  return answer(3, octets(joinBytes(ascii('M'), hash.digest())));
}

async function prove(context: SecurityContext, answers: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const [said, rest] = [[] as Uint8Array[], [...answers]];
  await proveByNla(
    {
      write: (bytes) => void said.push(bytes),
      read: () => Promise.reject(new Error('nothing to read')),
      readDer: () => Promise.resolve(rest.shift() ?? token('more')),
    },
    { certificate, context, account: ACCOUNT, random: () => nonce, protocol: 2 },
  );
  return said;
}

describe('CredSSP with any mechanism', () => {
  it('goes as many legs as the mechanism has, and delegates the credential in its wrapping', async () => {
    const context = new MarkedContext(2);
    const said = await prove(context, [token('challenge'), token('reply'), keyProof()]);
    assert.deepEqual(context.heard, ['challenge', 'reply']);
    const tokens = said.map((message) => Buffer.from(field(message, 1) ?? []).toString('latin1'));
    assert.match(tokens[0] ?? '', /leg 0$/u);
    assert.match(tokens[1] ?? '', /leg 1$/u);
    assert.deepEqual(tokens.slice(2), ['', ''], 'no token with the proof of the key, nor behind it');
    assert.equal(field(said[2] ?? new Uint8Array(), 3)?.[0], 'M'.charCodeAt(0));
    const credential = Buffer.from(field(said[3] ?? new Uint8Array(), 2) ?? []);
    assert.equal(credential[0], 'M'.charCodeAt(0));
    assert.ok(credential.includes(Buffer.from('sesame', 'utf16le')));
  });

  it('gives up on a target that comes to no end', async () => {
    const context = new MarkedContext(1_000);
    await assert.rejects(prove(context, []), (failure: unknown) => {
      assert.ok(isFault(failure, 'TARGET_PROTOCOL_VIOLATION'), String(failure));
      assert.match(failure.message, /no end/u);
      return true;
    });
    assert.ok(context.heard.length < 20, `${context.heard.length} legs`);
  });
});
