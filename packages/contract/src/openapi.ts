import type { TObject } from 'typebox';
import { PROBLEM_MEDIA_TYPE, Problem } from './problem.ts';
import { API_PREFIX, CSRF_HEADER, type RouteDefinition } from './route.ts';
import { ROUTE_LIST } from './routes.ts';

type Json = Readonly<Record<string, unknown>>;

function parameters(where: 'path' | 'query', schema: TObject | undefined): readonly Json[] {
  if (schema === undefined) return [];
  const required = new Set<string>(schema.required);
  return Object.entries(schema.properties).map(([name, value]) => ({
    name,
    in: where,
    required: required.has(name),
    schema: value,
  }));
}

function describeAccess(route: RouteDefinition): string {
  switch (route.access) {
    case 'public':
      return 'Open to everybody.';
    case 'bootstrap':
      return 'Only while no administrator exists.';
    case 'signing-in':
      return 'For every login, also one that lacks its second factor.';
    case 'signed-in':
      return 'For everybody who is signed in.';
    default:
      return `Needs the permission ${[route.access].flat().join(' or ')}.`;
  }
}

function operation(route: (typeof ROUTE_LIST)[number]): Json {
  const open = route.access === 'public' || route.access === 'bootstrap';
  const csrf = {
    name: CSRF_HEADER,
    in: 'header',
    required: true,
    schema: { type: 'string', enum: ['1', 'background'] },
  };
  const responses = Object.entries(route.response).map(([status, schema]) => [
    status,
    status === '204'
      ? { description: 'Done.' }
      : { description: 'Success.', content: { [route.stream ?? 'application/json']: { schema } } },
  ]);
  return {
    operationId: route.id,
    summary: route.summary,
    description: describeAccess(route),
    ...(open ? { security: [] } : {}),
    'x-access': route.access,
    ...(route.audit === undefined ? {} : { 'x-audit': route.audit }),
    parameters: [
      ...parameters('path', route.params),
      ...parameters('query', route.query),
      ...(route.method === 'GET' ? [] : [csrf]),
    ],
    ...(route.body === undefined
      ? route.upload === undefined
        ? {}
        : {
            requestBody: {
              required: true,
              content: { [route.upload]: { schema: { type: 'string', format: 'binary' } } },
            },
          }
      : { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } }),
    responses: { ...Object.fromEntries(responses), default: { $ref: '#/components/responses/Problem' } },
  };
}

/** The OpenAPI 3.1 document of `ROUTES`: served, committed as docs/openapi.json, compared by a test. */
export function openApiDocument(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of ROUTE_LIST) {
    const path = `${API_PREFIX}${route.path.replace(/:([A-Za-z]+)/gu, '{$1}')}`;
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Enchilada',
      version: '1',
      description: 'Errors are application/problem+json with a permanent `code`; docs/faults.md lists them.',
    },
    servers: [{ url: '/' }],
    security: [{ login: [] }],
    paths,
    components: {
      securitySchemes: { login: { type: 'apiKey', in: 'cookie', name: '__Host-enchilada' } },
      responses: {
        Problem: {
          description: 'A refusal.',
          content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      schemas: { Problem },
    },
  };
}
