import assert from 'node:assert/strict';
import { connect, type AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { until } from '@enchilada/core/testing/until';
import fastify from 'fastify';
import { replyWithProblem } from './problem-reply.ts';

const ERROR = 50;

test('a request that its client breaks off is no failure of the gateway, and one that fails by itself is', async () => {
  const lines: { readonly level: number; readonly msg: string }[] = [];
  const app = fastify({
    logger: { stream: { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) } },
  });
  try {
    app.setErrorHandler(replyWithProblem);
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    app.put<{ Body: Readable }>('/takes', async ({ body }) => ({ pieces: (await body.toArray()).length }));
    app.put('/fails', () => Promise.reject(new Error('a fault of ours')));
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;

    const head =
      'PUT /takes HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/octet-stream\r\ncontent-length: 9\r\n\r\n';
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head}half`));
    await until(() => lines.some(({ msg }) => msg === 'incoming request'));
    socket.destroy();
    await until(() => lines.some(({ msg }) => msg === 'the client broke its request off'));
    assert.ok(lines.every(({ level }) => level < ERROR));

    const { status } = await fetch(`http://127.0.0.1:${port}/fails`, {
      method: 'PUT',
      body: 'whole',
      headers: { 'content-type': 'application/octet-stream' },
    });
    assert.equal(status, 500);
    assert.ok(lines.some(({ level, msg }) => level === ERROR && msg === 'a request failed'));
  } finally {
    await app.close();
  }
});
