import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testAccount } from '@enchilada/core/testing/servers/sshd';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { openDesktop } from './testing.ts';

describe('accounts of the machine itself, by PAM', () => {
  for (const [securityType, parameters] of [
    ['X509Plain', {}],
    ['TLSPlain', { allowAnonymousTls: true }],
    ['Plain', { allowCleartext: true }],
  ] as const) {
    it(`signs in by ${securityType} to the real server, and says that a wrong password is refused`, async () => {
      const { username, password } = await testAccount();
      await using desktop = await startXvnc({
        securityTypes: securityType,
        geometry: '64x48',
        arguments: ['-PlainUsers', username, '-pam_service', 'login'],
      });
      const opening = { ...desktop, username, password, parameters: { ...parameters, signInWith: 'account' } };
      await using session = await openDesktop(opening);
      assert.equal(session.facts['security'], `VeNCrypt ${securityType}`);
      await assert.rejects(openDesktop({ ...opening, password: 'not it' }), { code: 'CREDENTIAL_REFUSED' });
      await assert.rejects(openDesktop({ ...opening, username: 'root' }), { code: 'CREDENTIAL_REFUSED' });
    });
  }
});
