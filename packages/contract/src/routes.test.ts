import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTE_LIST } from './routes.ts';
import { openApiDocument } from './openapi.ts';
import { WRITE_ONLY } from './schema.ts';

type Node = Readonly<Record<string, unknown>>;

function* walk(schema: unknown): Generator<Node> {
  if (typeof schema !== 'object' || schema === null) return;
  yield schema as Node;
  for (const value of Object.values(schema)) yield* walk(value);
}

test('no two routes share method and path, and parameters are declared', () => {
  assert.equal(
    new Set(ROUTE_LIST.map((route) => `${route.method} ${route.path.replaceAll(/:[A-Za-z]+/gu, ':')}`)).size,
    ROUTE_LIST.length,
  );
  for (const route of ROUTE_LIST) {
    const named = [...route.path.matchAll(/:([A-Za-z]+)/gu)].map((match) => match[1]);
    assert.deepEqual(Object.keys(route.params?.properties ?? {}), named, route.id);
    if (route.method === 'GET') assert.equal(route.body, undefined, route.id);
  }
});

test('every object is closed, every string and list of a request is bounded', () => {
  for (const route of ROUTE_LIST) {
    for (const schema of [route.params, route.query, route.body, ...Object.values(route.response)]) {
      for (const node of walk(schema))
        if (node['type'] === 'object') assert.notEqual(node['additionalProperties'], undefined, route.id);
    }
    for (const schema of [route.params, route.query, route.body]) {
      for (const node of walk(schema)) {
        if (node['type'] === 'string')
          assert.ok(
            'maxLength' in node || 'enum' in node || 'const' in node || String(node['pattern']).endsWith('{32}$'),
            `${route.id}: ${JSON.stringify(node)}`,
          );
        if (node['type'] === 'array') assert.ok('maxItems' in node, route.id);
      }
    }
  }
});

test('nothing write-only stands in an answer', () => {
  for (const route of ROUTE_LIST) for (const node of walk(route.response)) assert.ok(!(WRITE_ONLY in node), route.id);
});

test('every change is audited or plainly one’s own, and the document names each route once', () => {
  const unaudited = ROUTE_LIST.filter((route) => route.method !== 'GET' && route.audit === undefined).map(
    (route) => route.id,
  );
  assert.deepEqual(unaudited, [
    'checkBootstrap',
    'checkRecovery',
    'setPreferences',
    'startPasskeySignIn',
    'startPasskeyProof',
    'startTotp',
    'startPasskey',
    'checkDeviceLogin',
    'startProviderSignIn',
    'previewGrant',
    'issueTickets',
  ]);
  const paths = openApiDocument()['paths'] as Record<string, Record<string, { operationId: string }>>;
  const ids = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map((operation) => operation.operationId),
  );
  assert.deepEqual(ids.toSorted(), ROUTE_LIST.map((route) => route.id).toSorted());
});
