import { openApiDocument } from '../../packages/contract/src/openapi.ts';
import { ROUTE_LIST } from '../../packages/contract/src/routes.ts';

function method(route) {
  const hasInput = route.params ?? route.query ?? route.body ?? route.upload;
  const optional =
    route.query !== undefined &&
    route.params === undefined &&
    route.body === undefined &&
    (route.query.required ?? []).length === 0;
  const input = hasInput === undefined ? '' : `input: RouteInput<'${route.id}'>${optional ? ' = { query: {} }' : ''}, `;
  const argument = hasInput === undefined ? '{}' : 'input';
  const [result, call] = route.stream === undefined ? [`RouteOutput<'${route.id}'>`, 'call'] : ['R', 'open'];
  return [
    `  /** ${route.summary} */`,
    `  ${route.id}(${input}options?: CallOptions): Promise<${result}> {`,
    `    return this.#transport.${call}('${route.id}', ${argument}, options);`,
    '  }',
  ].join('\n');
}

/** The files that follow from the route table: path → text. */
export function generateApi() {
  const client = [
    '// Generated from the route table by `npm run generate`; a check compares it.',
    "import type { RouteInput, RouteOutput } from './routes.ts';",
    "import { type ApiResponse, type CallOptions, Transport, type TransportOptions } from './transport.ts';",
    '',
    '/** One method a route. @throws ApiProblem */',
    'export class EnchiladaClient<R extends ApiResponse = ApiResponse> {',
    '  readonly #transport: Transport<R>;',
    '',
    '  constructor(options: TransportOptions<R>) {',
    '    this.#transport = new Transport(options);',
    '  }',
    '',
    ROUTE_LIST.map(method).join('\n\n'),
    '}',
    '',
  ].join('\n');
  return new Map([
    ['docs/openapi.json', `${JSON.stringify(openApiDocument(), undefined, 2)}\n`],
    ['packages/contract/src/client.gen.ts', client],
  ]);
}
