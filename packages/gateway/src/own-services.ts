import type { OwnService } from '@enchilada/core/access';
import type { Secret } from '@enchilada/core/credential';
import type { Store } from '@enchilada/core/store';
import type { Config } from './config/index.ts';

export interface OwnServicesParts {
  readonly store: Store;
  /** Of a database that is a server, with the port that its scheme stands for. */
  readonly databases: readonly { readonly url: Secret; readonly defaultPort: number }[];
  readonly values: Config;
  /** Known once the gateway listens. */
  readonly port: () => number | undefined;
}

/** What of this installation listens somewhere: the database, the nodes, this gateway and the address it is reached by. */
export async function listOwnServices(parts: OwnServicesParts): Promise<readonly OwnService[]> {
  const { store, databases, values, port } = parts;
  const own = port();
  const metrics = values['metrics.listen'];
  const nodes = await store.now.nodes.list();
  return [
    ...databases.flatMap(({ url, defaultPort }) =>
      at('the database', url.reveal(), { defaultPort, closes: 'address' }),
    ),
    // A node without an address of its own is known by the public one, where a balancer may stand that is a machine like others.
    ...nodes.flatMap(({ url }) =>
      at('a node of this installation', url, { closes: url === values.publicUrl ? 'port' : 'address' }),
    ),
    ...at('the address of this installation', values.publicUrl, { closes: 'port' }),
    ...at('this gateway', own === undefined ? undefined : `http://localhost:${own}`, { closes: 'port' }),
    ...at('this gateway', metrics === undefined ? undefined : `http://${metrics}`, { closes: 'port' }),
  ];
}

const PORT_OF: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function at(
  what: string,
  text: string | undefined,
  { defaultPort, closes }: Pick<OwnService, 'closes'> & { readonly defaultPort?: number },
): readonly OwnService[] {
  const url = text === undefined ? null : URL.parse(text);
  if (url === null || url.hostname === '') return [];
  const port = url.port === '' ? (defaultPort ?? PORT_OF[url.protocol] ?? 0) : Number(url.port);
  return [{ what, host: url.hostname.replace(/^\[|\]$/gu, ''), port, closes }];
}
