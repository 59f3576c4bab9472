import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { TestAuthority, WRONG_CERTIFICATES } from '@enchilada/core/testing/certificate-authority';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { openMachine } from './testing.ts';

describe('certificates of a machine', () => {
  let authority: TestAuthority;
  before(async () => {
    authority = await TestAuthority.create();
  });
  after(() => authority[Symbol.asyncDispose]());

  const shown = async (name: string, issuers: readonly string[] = []): Promise<{ asked: number; opened: boolean }> => {
    await using desktop = await startXrdp({
      certificate: { key: authority.path(`${name}.key`), certificate: await authority.chain(name, ...issuers) },
    });
    let [asked, credentials] = [0, 0];
    const opening = openMachine({
      ...desktop,
      host: 'localhost',
      hop: {
        verifyHostKey: () => {
          asked += 1;
          return Promise.reject(new Fault('HOST_KEY_UNKNOWN', 'nobody accepted it'));
        },
        credential: () => {
          credentials += 1;
          return Promise.resolve({ kind: 'password', username: 'otter', password: new Secret(desktop.password) });
        },
      },
    });
    const session = await opening.catch((failure: unknown) => {
      assert.equal((failure as Fault).code, 'HOST_KEY_UNKNOWN');
      return undefined;
    });
    assert.equal(credentials, session === undefined ? 0 : 1, 'the password is fetched for who was accepted alone');
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
