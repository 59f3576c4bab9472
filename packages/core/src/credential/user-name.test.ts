import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isFault } from '../fault/index.ts';
import { certificateRequest, fillTemplate, templateProblem } from './index.ts';

const ALICE = {
  id: 'usr_1',
  username: 'alice',
  email: 'Alice.Ng@corp.example',
  attributes: { samaccountname: 'ang', uidnumber: '1042' },
};
const unfit = (error: unknown): boolean => isFault(error, 'USERNAME_UNFIT');

describe('user names from templates', () => {
  it('are filled from the account, the e-mail address and the directory', () => {
    const names: readonly (readonly [string, string])[] = [
      ['deploy', 'deploy'],
      ['root', 'root'],
      ['{username}', 'alice'],
      ['{email}', 'Alice.Ng@corp.example'],
      ['{email.local}', 'Alice.Ng'],
      ['{email.domain}', 'corp.example'],
      ['adm-{attribute.sAMAccountName}', 'adm-ang'],
      ['CORP\\{attribute.samaccountname}', 'CORP\\ang'],
      ['{username}@corp.example', 'alice@corp.example'],
      ['u{attribute.uidNumber}', 'u1042'],
      ['${GUAC_USERNAME}', 'alice'],
      ['CORP\\${LDAP_SAMACCOUNTNAME}', 'CORP\\ang'],
      ['${OIDC_UIDNUMBER}', '1042'],
    ];
    for (const [template, name] of names) assert.equal(fillTemplate(template, ALICE), name);
  });

  it('are refused where the template is none, in words', () => {
    for (const template of [
      '{',
      '}',
      '{user',
      '{}',
      '{name}',
      '{attribute.}',
      '{attribute.a b}',
      '{{username}}',
      '{username}}',
      '${GUAC_PASSWORD}',
      '${GUAC_CLIENT_ADDRESS}',
      '${guac_username}',
      '${HOME}',
      '${A_}',
    ])
      assert.ok(templateProblem(template) !== undefined, template);
    for (const template of ['', 'root', '{username}', 'a{email.local}b{attribute.x}'])
      assert.equal(templateProblem(template), undefined, template);
  });

  it('are refused where the person has no such value', () => {
    for (const template of ['{email}', '{email.local}', '{attribute.department}', '{attribute.constructor}'])
      assert.throws(() => fillTemplate(template, { username: 'bob' }), unfit, template);
    assert.throws(() => fillTemplate('{email.local}', { username: 'bob', email: '@corp' }), unfit);
    assert.throws(() => fillTemplate('{attribute.__proto__}', ALICE), unfit);
  });

  it('take nothing hostile from a directory or a person', () => {
    for (const username of [
      '',
      '-oProxyCommand=x',
      '--help',
      '.bashrc',
      '../x',
      'a b',
      'a,root',
      'a\nroot',
      'a\0b',
      'a;id',
      '$(id)',
      '`id`',
      'a"b',
      "a'b",
      'a/b',
      'a\\b',
      '*',
      'ro?t',
      '!alice',
      '{username}',
      'a\u202eb',
      'a\u200bb',
      'a:b',
      'a%h',
      'x'.repeat(65),
    ])
      assert.throws(() => fillTemplate('{username}', { username }), unfit, JSON.stringify(username));
  });

  it('make nobody an account of the system by what a person is called elsewhere', () => {
    for (const username of [
      'root',
      'ROOT',
      'Administrator',
      'SYSTEM',
      'daemon',
      'root@corp.example',
      'ubuntu',
      'ec2-user',
    ])
      assert.throws(() => fillTemplate('{username}', { username }), unfit, username);
    assert.throws(() => fillTemplate('${GUAC_USERNAME}', { username: 'root' }), unfit);
    for (const email of ['root@corp.example', 'Administrator@corp.example', 'ubuntu@corp.example'])
      for (const template of ['{email.local}', '{email}', 'CORP\\{email.local}'])
        assert.throws(() => fillTemplate(template, { username: 'mallory', email }), unfit, template);
    const attributes = { uid: 'root', samaccountname: 'Administrator', mail: 'ec2-user' };
    for (const template of ['{attribute.uid}', 'CORP\\{attribute.sAMAccountName}', '${LDAP_MAIL}'])
      assert.throws(() => fillTemplate(template, { username: 'mallory', attributes }), unfit, template);
    assert.throws(() => fillTemplate('ro{username}', { username: 'ot' }), unfit);
    assert.throws(() => fillTemplate('CORP\\{username}', { username: 'administrator' }), unfit);
    assert.equal(fillTemplate('{username}', { username: 'rootless' }), 'rootless');
  });
});

describe('what a certificate is asked for', () => {
  const holder = { person: ALICE, username: 'deploy', sessionId: 'ses_9', purpose: 'session' as const };
  const NOW = 1_800_000_000_000;
  const terms = { principals: [], minutes: 3, sourceNetworks: [] };

  it('is for the user name, for minutes, and says who and in which session', () => {
    const request = certificateRequest(terms, holder, NOW);
    assert.deepEqual(request.principals, ['deploy']);
    assert.deepEqual([request.notBefore, request.notAfter], [NOW - 60_000, NOW + 180_000]);
    assert.equal(request.keyId, 'user=alice id=usr_1 session=ses_9');
    assert.equal(certificateRequest({ ...terms, minutes: 500 }, holder, NOW).notAfter, NOW + 300_000);
    assert.deepEqual(
      certificateRequest({ ...terms, principals: ['{username}', 'role-web', '{username}'] }, holder, NOW).principals,
      ['alice', 'role-web'],
    );
  });

  it('names no principal that a machine could take for several, and no name that forges a log line', () => {
    for (const username of ['a,root', '*', 'a b', '', '-x', 'CORP\\alice', 'x'.repeat(65)])
      assert.throws(() => certificateRequest(terms, { ...holder, username }, NOW), unfit, username);
    const person = { ...ALICE, username: 'al session=ses_other\nAccepted "x"' };
    assert.equal(
      certificateRequest(terms, { ...holder, person }, NOW).keyId,
      'user=al_session_ses_other_Accepted__x_ id=usr_1 session=ses_9',
    );
  });
});
