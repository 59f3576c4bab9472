import { engineSuite } from '@enchilada/core/testing/engine-suite';
import { closedPort } from '@enchilada/core/testing/free-port';
import { startKubeApiServer } from '@enchilada/core/testing/servers/kube-api-server';
import { engine, hopTo, token } from './testing.ts';

engineSuite('kubernetes', async () => {
  const server = await startKubeApiServer();
  const nothing = await closedPort();
  const hop = (port: number) =>
    // Without its authority the certificate has to be accepted as a host key is.
    hopTo({ port, credential: token(server.token), hop: { verifyHostKey: () => Promise.resolve() } });
  return {
    engine: engine(),
    hop: () => hop(server.port),
    closedPort: () => hop(nothing),
    attempts: () => server.attempts(),
    flood: (bytes, marker) =>
      Buffer.from(`head -c ${bytes} /dev/zero | tr '\\0' x; echo ${marker.slice(0, 3)}''${marker.slice(3)}\r`),
    leave: () => Buffer.from('exit\r'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});
