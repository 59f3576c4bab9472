import { createServer, type Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics/metrics.ts';
import type { Readiness } from './readiness.ts';

const PROBE = { access: 'public', beforeBootstrap: true, fromAnywhere: true } as const;

/** `/healthz`: the process serves. `/readyz`: it takes sessions. `/metrics`: for those with the permission. */
export function serveProbes(app: FastifyInstance, readiness: Readiness, metrics: Metrics): void {
  app.get('/healthz', { config: PROBE }, () => ({ status: 'ok' }));
  app.get('/readyz', { config: PROBE }, async (_request, reply) => {
    const { ready, checks } = await readiness.report();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks });
  });
  app.get('/api/v1/metrics', { config: { access: 'metrics.read' } }, async (_request, reply) =>
    reply.type(metrics.mediaType).send(await metrics.text()),
  );
}

/** The listener of its own for `metrics.listen`, which has no sign-in and answers nothing else. */
export async function listenForMetrics(address: string, metrics: Metrics): Promise<Server> {
  const at = address.lastIndexOf(':');
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.mediaType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      { host: address.slice(0, at).replaceAll(/[[\]]/gu, ''), port: Number(address.slice(at + 1)) },
      resolve,
    );
  });
  return server;
}
