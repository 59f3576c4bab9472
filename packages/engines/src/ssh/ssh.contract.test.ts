import { DEFAULT_EGRESS } from '@enchilada/core/access';
import type { Hop } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { testLeave } from '@enchilada/core/testing/authorized';
import { engineSuite } from '@enchilada/core/testing/engine-suite';
import { startSshd } from '@enchilada/core/testing/servers/sshd';
import { closedPort } from '@enchilada/core/testing/free-port';
import { createDialer } from '../shared/index.ts';
import { createSsh } from './index.ts';
import { password, sshdTarget } from './testing.ts';

engineSuite('ssh', async () => {
  const sshd = await startSshd();
  const nothing = await closedPort();
  const hop = (port: number): Hop => ({
    leave: testLeave(sshdTarget({ host: 'localhost', port })),
    credential: password(sshd.username, sshd.password),
    verifyHostKey: async (presented) => {
      if (!sshd.hostKeys.some((key) => key.fingerprint === presented.fingerprint))
        throw new Fault('HOST_KEY_UNKNOWN', presented.fingerprint);
    },
  });
  return {
    engine: createSsh({
      dialer: createDialer({ policy: { ...DEFAULT_EGRESS, allowLoopback: true }, builtIn: new Map() }),
    }),
    hop: () => hop(sshd.port),
    closedPort: () => hop(nothing),
    attempts: () => sshd.attempts().length,
    flood: (bytes, marker) =>
      Buffer.from(`head -c ${bytes} /dev/zero | tr '\\0' x; echo ${marker.slice(0, 3)}''${marker.slice(3)}\n`),
    leave: () => Buffer.from('exit\n'),
    [Symbol.asyncDispose]: () => sshd[Symbol.asyncDispose](),
  };
});
