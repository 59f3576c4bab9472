import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkParameters } from '@enchilada/core/engine';
import { algorithmsFor } from './algorithms.ts';
import { manifest, readParameters } from './ssh-manifest.ts';

describe('the SSH manifest', () => {
  it('refuses what would not work, naming the field', () => {
    const problems = checkParameters(manifest, {
      terminalType: 'a b',
      environment: ['A=1', '1A=2'],
      keepaliveSeconds: 1,
      legacyAlgorithms: 'yes',
      agentForward: true,
    });
    assert.deepEqual(
      problems.map((problem) => problem.field),
      ['terminalType', 'environment', 'keepaliveSeconds', 'legacyAlgorithms', 'agentForward'],
    );
    assert.deepEqual(
      checkParameters(manifest, { environment: ['A=', '_b=x=y', 'C=ü'], initialCommand: 'tmux attach || tmux' }),
      [],
    );
  });

  it('reads absent and unusable values as the defaults', () => {
    assert.deepEqual(readParameters({}), {
      terminalType: 'xterm-256color',
      initialCommand: '',
      environment: {},
      keepaliveSeconds: 15,
      legacyAlgorithms: false,
    });
    assert.deepEqual(readParameters({ environment: ['A=1=2', 'B='] }).environment, { A: '1=2', B: '' });
  });

  it('offers no SHA-1, CBC, RC4, DSA, or ssh-rsa, unless legacy algorithms are allowed; never MD5 or RC4', () => {
    const offer = { pinnedKeyTypes: [], withoutTruncatable: false };
    const modern = JSON.stringify(algorithmsFor({ ...offer, legacyAlgorithms: false }));
    assert.doesNotMatch(modern, /sha1|cbc|arcfour|"ssh-rsa"|ssh-dss|md5|zlib/u);
    const legacy = JSON.stringify(algorithmsFor({ ...offer, legacyAlgorithms: true }));
    assert.match(legacy, /group1-sha1.*"ssh-rsa".*aes128-cbc.*hmac-sha1/u);
    assert.doesNotMatch(legacy, /md5|arcfour|blowfish/u);
    assert.doesNotMatch(
      JSON.stringify(algorithmsFor({ ...offer, legacyAlgorithms: true, withoutTruncatable: true })),
      /etm|chacha/u,
    );
  });
});
