import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { utf16 } from '../codec/bytes.ts';
import { md4 } from '../codec/md4.ts';
import { accountOf } from './account.ts';
import { NtlmClient } from './ntlm.ts';
import { statusFault } from './nt-status.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/gu, ''), 'hex');
const IDENTITY = { username: 'User', domain: 'Domain', password: 'Password', service: 'TERMSRV/server' };
const chance = { now: 0, random: (count: number) => new Uint8Array(count).fill(0xaa) };

describe('NTLM as a client', () => {
  it('derives the key of the specification’s example ([MS-NLMP] 4.2.4.1.1)', () => {
    const nt = md4(utf16('Password'));
    assert.equal(Buffer.from(nt).toString('hex'), 'a4f49c406510bdcab6824ee7c30fd852');
    const key = createHmac('md5', nt).update(utf16('USERDomain')).digest('hex');
    assert.equal(key, '0c868a403bfd7a93a3001ef22ef02e3f');
  });

  it('answers the specification’s challenge with its LMv2 response ([MS-NLMP] 4.2.4.2.1)', () => {
    const client = new NtlmClient(IDENTITY, chance);
    const challenge = hex(`
      4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000
      0600701700 00000f 530065007200760065007200
      02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000`);
    const answer = Buffer.from(client.authenticate(challenge));
    const [length, offset] = [answer.readUInt16LE(12), answer.readUInt32LE(16)];
    assert.equal(
      answer.subarray(offset, offset + length).toString('hex'),
      '86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa',
    );
  });

  it('answers any challenge with a message or a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (hostile, isMarked) => {
        const challenge = isMarked ? Buffer.concat([Buffer.from('NTLMSSP\0\u0002\0\0\0'), hostile]) : hostile;
        try {
          new NtlmClient(IDENTITY, chance).authenticate(challenge);
        } catch (cause) {
          assert.ok(isFault(cause, 'TARGET_PROTOCOL_VIOLATION'), String(cause));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('tells domain and name apart', () => {
    assert.deepEqual(accountOf('CORP\\ada'), { username: 'ada', domain: 'CORP' });
    assert.deepEqual(accountOf('ada@corp.example'), { username: 'ada@corp.example', domain: '' });
    assert.deepEqual(accountOf('.\\ada'), { username: 'ada', domain: '' });
    assert.deepEqual(accountOf('ada'), { username: 'ada', domain: '' });
  });

  it('puts the statuses of a sign-in into words', () => {
    for (const [status, words] of [
      [0xc000_006d, /wrong/],
      [0xc000_0071, /expired/],
      [0xc000_0224, /changed first/],
      [0xc000_0234, /locked/],
      [0xc000_0072, /disabled/],
      [0xc000_015b, /from afar/],
      [0xc123_4567, /0xc1234567/],
    ] as const)
      assert.match(statusFault(status).message, words);
  });
});
