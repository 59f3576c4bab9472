import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Fault } from '@enchilada/core/fault';
import { TestAuthority, WRONG_CERTIFICATES } from '@enchilada/core/testing/certificate-authority';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { openDesktop } from './testing.ts';

describe('certificates of a desktop', () => {
  let authority: TestAuthority;
  before(async () => {
    authority = await TestAuthority.create();
  });
  after(() => authority[Symbol.asyncDispose]());

  const shown = async (name: string, issuers: readonly string[] = []): Promise<{ asked: number; opened: boolean }> => {
    await using desktop = await startXvnc({
      securityTypes: 'X509None',
      geometry: '64x48',
      certificate: { key: authority.path(`${name}.key`), certificate: await authority.chain(name, ...issuers) },
    });
    let asked = 0;
    const opening = openDesktop({
      ...desktop,
      host: 'localhost',
      hop: {
        verifyHostKey: () => {
          asked += 1;
          return Promise.reject(new Fault('HOST_KEY_UNKNOWN', 'nobody accepted it'));
        },
        credential: () => Promise.reject(new Error('a credential was asked for')),
      },
    });
    const session = await opening.catch((failure: unknown) => {
      assert.equal((failure as Fault).code, 'HOST_KEY_UNKNOWN');
      return undefined;
    });
    await session?.[Symbol.asyncDispose]();
    return { asked, opened: session !== undefined };
  };

  it('opens without a question where a trusted authority vouches for the name', async () => {
    await authority.issue('good', { issuer: 'trusted' });
    assert.deepEqual(await shown('good'), { asked: 0, opened: true });
  });

  for (const [kind, request, issuers] of WRONG_CERTIFICATES) {
    it(`asks, and signs in to nobody, on one ${kind}`, async () => {
      const name = kind.replaceAll(/\W/gu, '-');
      await authority.issue(name, request);
      assert.deepEqual(await shown(name, issuers), { asked: 1, opened: false });
    });
  }
});
