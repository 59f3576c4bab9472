import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTE_LIST, successStatus } from '@enchilada/contract';
import { Ajv } from 'ajv';
import buildSerializer from 'fast-json-stringify';
import { serializeOnUse, validateOnUse } from './compile-on-use.ts';

// Compiled on use, a schema that cannot be would only fail when somebody asks for its route.
test('every schema of the route table compiles', () => {
  const ajv = new Ajv({ coerceTypes: false, useDefaults: true });
  for (const route of ROUTE_LIST) {
    for (const schema of [route.params, route.query, route.body])
      if (schema !== undefined) assert.doesNotThrow(() => ajv.compile(schema), route.id);
    const status = successStatus(route);
    const answer = route.response[status];
    if (route.stream === undefined && status !== 204 && answer !== undefined)
      assert.doesNotThrow(() => buildSerializer(answer), route.id);
  }
});

test('nothing is compiled before it is used, and then once', () => {
  let compiled = 0;
  const validate = validateOnUse(() => {
    compiled += 1;
    return new Ajv().compile({ type: 'integer' });
  });
  const serialize = serializeOnUse(() => {
    compiled += 1;
    return (data) => `[${String(data)}]`;
  });
  assert.equal(compiled, 0);
  assert.deepEqual([validate(1), validate.errors, validate('x')], [true, null, false]);
  assert.equal(validate.errors?.[0]?.keyword, 'type');
  assert.deepEqual([serialize(1), serialize(2), compiled], ['[1]', '[2]', 2]);
});
