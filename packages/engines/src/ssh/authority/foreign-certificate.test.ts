import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { AuthorityKeySealer, CertificateRequest } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { systemClock } from '@enchilada/core/testing/authorized';
import { createUserAuthority } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'enchilada-foreign-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});
execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'ca')]);

const NOW = Date.now();
const asked: CertificateRequest = {
  ...{ keyId: 'user=alice id=usr_1 session=ses_1', principals: ['alice', 'role-web'] },
  ...{ notBefore: NOW - 60_000, notAfter: NOW + 180_000, sourceNetworks: ['10.0.0.0/8'], purpose: 'session' },
};
const FITTING = {
  '-I': asked.keyId,
  '-n': 'alice,role-web',
  '-V': '-1m:+3m',
  '-z': '4711',
  '-O': ['clear', 'permit-pty', 'source-address=10.0.0.0/8'],
};

/** What OpenSSH's own tool signs for us, with these options in the place of those that fit. */
function issue(change: Readonly<Record<string, string | readonly string[]>> = {}, more: readonly string[] = []) {
  const authority = createUserAuthority({
    ...{ clock: systemClock, random: { bytes: (length) => new Uint8Array(randomBytes(length)) } },
    ...{ store: {} as Store, sealer: {} as AuthorityKeySealer },
  });
  const sign = (publicKey: string): Promise<string> => {
    writeFileSync(join(folder, 'key.pub'), `${publicKey}\n`);
    const options = Object.entries({ ...FITTING, ...change }).flatMap(([name, value]) =>
      [value].flat().flatMap((one) => (one === '' ? [] : [name, one])),
    );
    execFileSync('ssh-keygen', ['-q', '-s', join(folder, 'ca'), ...options, ...more, join(folder, 'key.pub')]);
    return Promise.resolve(readFileSync(join(folder, 'key-cert.pub'), 'utf8').trim());
  };
  return authority.issue(asked, { sign });
}

describe('a certificate that somebody outside signed', () => {
  it('is taken where it is what was asked for, with its serial and whose signature it is', async () => {
    const { serial, authority, certificate } = await issue();
    assert.equal(serial, '4711');
    const fingerprint = execFileSync('ssh-keygen', ['-l', '-f', join(folder, 'ca.pub')], { encoding: 'utf8' });
    assert.ok(fingerprint.includes(authority), authority);
    assert.match(certificate, /^ssh-ed25519-cert-v01@openssh\.com /u);
    assert.equal((await issue({ '-n': 'alice' })).serial, '4711', 'fewer names are no more');
  });

  it('is refused where it says more, of somebody else, for longer, or for everybody', async () => {
    const differing: readonly (readonly [Parameters<typeof issue>, RegExp])[] = [
      [[{ '-I': 'vault-token-of-the-gateway' }], /key id vault-token/u],
      [[{ '-n': 'alice,root' }], /the name root/u],
      [[{ '-n': '' }], /the name of everybody/u],
      [[{ '-V': '-1m:+8h' }], /a longer time/u],
      [[{ '-V': 'always:forever' }], /a longer time/u],
      [[{ '-O': ['clear', 'permit-pty'] }], /without source-address/u],
      [[{ '-O': ['clear', 'permit-pty', 'source-address=0.0.0.0/0'] }], /the options source-address/u],
      [
        [{ '-O': ['clear', 'permit-pty', 'source-address=10.0.0.0/8', 'force-command=id'] }],
        /options .*force-command/u,
      ],
      [[{ '-O': ['source-address=10.0.0.0/8'] }], /permissions .*permit-agent-forwarding/u],
      [[{ '-O': [] }, ['-h']], /for a host/u],
    ];
    for (const [how, words] of differing)
      await assert.rejects(
        () => issue(...how),
        (error) => isFault(error, 'SECRET_STORE_DENIED') && words.test(error.message),
        String(words),
      );
  });

  it('is refused where it is for another key, cut, or no certificate', async () => {
    const { certificate } = await issue();
    const authority = createUserAuthority({
      ...{ clock: systemClock, random: { bytes: (length) => new Uint8Array(randomBytes(length)) } },
      ...{ store: {} as Store, sealer: {} as AuthorityKeySealer },
    });
    const [type = '', body = ''] = certificate.split(' ');
    for (const line of [
      certificate,
      `${type} ${body.slice(0, 60)}`,
      `${type} `,
      '',
      'ssh-ed25519 AAAA',
      'x'.repeat(100_000),
    ])
      await assert.rejects(
        authority.issue(asked, { sign: () => Promise.resolve(line) }),
        (error) => isFault(error, 'SECRET_STORE_DENIED'),
        line.slice(0, 80),
      );
  });
});
