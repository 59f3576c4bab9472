import { engineSuite } from '@enchilada/core/testing/engine-suite';
import { startTelnetd } from '@enchilada/core/testing/servers/telnetd';
import { closedPort } from '@enchilada/core/testing/free-port';
import { createTelnet } from './index.ts';
import { loopbackDialer, password, telnetHop } from './testing.ts';

engineSuite('telnet', async () => {
  const telnetd = await startTelnetd();
  const nothing = await closedPort();
  const credential = password(telnetd.username, telnetd.password);
  return {
    engine: createTelnet({ dialer: loopbackDialer() }),
    hop: () => telnetHop({ host: 'localhost', port: telnetd.port }, credential),
    closedPort: () => telnetHop({ host: 'localhost', port: nothing }, credential),
    attempts: () => telnetd.connections(),
    flood: (bytes, marker) =>
      Buffer.from(`head -c ${bytes} /dev/zero | tr '\\0' x; echo ${marker.slice(0, 3)}''${marker.slice(3)}\r`),
    leave: () => Buffer.from('exit\r'),
    [Symbol.asyncDispose]: () => telnetd[Symbol.asyncDispose](),
  };
});
