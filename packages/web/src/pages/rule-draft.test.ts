import assert from 'node:assert/strict';
import { it } from 'node:test';
import { linesToTags, movedUp, parseRules, tagsToLines, without } from './rule-draft.ts';

it('tags are written a line each, with their values or without', () => {
  const tags = { team: ['payments', 'shop'], managed: [] };
  assert.equal(tagsToLines(tags), 'team=payments,shop\nmanaged');
  assert.deepEqual(linesToTags(' team = payments , shop\n\nmanaged\n=x'), tags);
  assert.deepEqual(linesToTags('path=a=b'), { path: ['a=b'] });
});

it('a rule says only what it means', () => {
  assert.deepEqual(without({ a: '', b: [], c: undefined, d: {}, e: 0, f: false, g: 'x' }), { e: 0, f: false, g: 'x' });
});

it('text that is no list of rules is none, and nothing is an empty one', () => {
  assert.equal(parseRules('{"a":1}'), undefined);
  assert.equal(parseRules('[{'), undefined);
  assert.deepEqual(parseRules(' '), []);
});

it('a rule moves before the one above it, and the first stays', () => {
  assert.deepEqual(movedUp(['a', 'b', 'c'], 2), ['a', 'c', 'b']);
  assert.deepEqual(movedUp(['a', 'b'], 0), ['a', 'b']);
});
