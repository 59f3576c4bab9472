import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { parseFilter } from './scim-filter.ts';
import { type Json, operationsOf, patched } from './scim-patch.ts';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function patch(resource: Json, ...operations: readonly object[]): Json {
  return patched(resource, operationsOf({ schemas: [], Operations: operations }));
}

test('what Entra ID is documented to send becomes what it means', () => {
  // https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
  const ann = { userName: 'ann', emails: [{ type: 'work', value: 'old@example.org' }], name: { familyName: 'Old' } };
  assert.deepEqual(
    patch(
      ann,
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'new@example.org' },
      { op: 'Replace', path: 'name.familyName', value: 'New' },
      { op: 'Add', path: `${ENTERPRISE}:department`, value: 'Payments' },
    ),
    {
      userName: 'ann',
      emails: [{ type: 'work', value: 'new@example.org' }],
      name: { familyName: 'New' },
      [ENTERPRISE]: { department: 'Payments' },
    },
  );
  assert.deepEqual(patch({ active: true }, { op: 'Replace', path: 'active', value: 'False' }), { active: 'False' });
  assert.deepEqual(
    patch({}, { op: 'Add', value: { 'name.givenName': 'Ann', [`${ENTERPRISE}:manager`]: 'x', title: 'Dr' } }),
    { name: { givenName: 'Ann' }, [ENTERPRISE]: { manager: 'x' }, title: 'Dr' },
  );
  assert.deepEqual(patch({}, { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '1' }), {
    phoneNumbers: [{ type: 'mobile', value: '1' }],
  });
  const group = { members: [{ value: 'a' }, { value: 'b' }, { value: 'c' }] };
  assert.deepEqual(patch(group, { op: 'Remove', path: 'members', value: [{ value: 'a' }] }), {
    members: [{ value: 'b' }, { value: 'c' }],
  });
  assert.deepEqual(patch(group, { op: 'Remove', path: 'members[value eq "b"]' }), {
    members: [{ value: 'a' }, { value: 'c' }],
  });
});

test('what Okta is documented to send becomes what it means', () => {
  // https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20/
  assert.deepEqual(patch({ active: true }, { op: 'replace', value: { active: false } }), { active: false });
  const group = { displayName: 'Ops', members: [{ value: 'a' }] };
  assert.deepEqual(
    patch(group, { op: 'replace', value: { id: 'x', displayName: 'Operators' } })['displayName'],
    'Operators',
  );
  assert.deepEqual(
    patch(
      group,
      { op: 'remove', path: 'members[value eq "a"]' },
      { op: 'add', path: 'members', value: [{ value: 'b', display: 'Ben' }] },
      { op: 'add', path: 'members', value: [{ value: 'b' }] },
    )['members'],
    [{ value: 'b', display: 'Ben' }],
  );
  assert.deepEqual(patch(group, { op: 'replace', path: 'members', value: [] })['members'], []);
});

test('names of attributes are the same whatever their case, and a patch that fails changes nothing', () => {
  const ann: Json = { displayName: 'Ann' };
  assert.deepEqual(patch(ann, { op: 'replace', path: 'DISPLAYNAME', value: 'B' }), { displayName: 'B' });
  assert.throws(() => patch(ann, { op: 'replace', path: 'displayName', value: 'C' }, { op: 'remove' }));
  assert.deepEqual(ann, { displayName: 'Ann' });
});

test('what is no operation, path or filter is refused in the words of SCIM', () => {
  const refused = (type: string, work: () => unknown): void => {
    assert.throws(work, (failure) => isFault(failure) && failure.facts['scimType'] === type, String(work));
  };
  refused('invalidSyntax', () => operationsOf({ Operations: [] }));
  refused('invalidSyntax', () => operationsOf({ Operations: [{ op: 'move' }] }));
  refused('invalidPath', () => patch({}, { op: 'add', path: 'a..b', value: 1 }));
  refused('invalidPath', () => patch({}, { op: 'add', path: '__proto__.x', value: 1 }));
  refused('invalidPath', () => patch({}, { op: 'add', value: JSON.parse('{"__proto__": {"x": 1}}') as object }));
  refused('invalidFilter', () => patch({}, { op: 'add', path: 'emails[type sw "w"].value', value: 1 }));
  refused('noTarget', () => patch({}, { op: 'remove' }));
  refused('invalidValue', () => patch({}, { op: 'replace', path: 'title' }));
  for (const text of [
    '',
    'userName',
    'userName eq',
    'userName eq "a" or title eq "b"',
    'userName eq "a" and',
    'a eq "\\x"',
  ])
    refused('invalidFilter', () => parseFilter(text));
  assert.equal(({} as Json)['x'], undefined);
});

test('a filter compares by eq, joined by and, with the quotes and the full names of the attributes', () => {
  assert.deepEqual(parseFilter('userName Eq "ann \\"a\\" and b"'), [{ attribute: 'username', value: 'ann "a" and b' }]);
  assert.deepEqual(parseFilter('id eq "g" and members.value eq "u" AND active eq true'), [
    { attribute: 'id', value: 'g' },
    { attribute: 'members.value', value: 'u' },
    { attribute: 'active', value: true },
  ]);
  assert.deepEqual(parseFilter('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"'), [
    { attribute: 'username', value: 'a' },
  ]);
});
