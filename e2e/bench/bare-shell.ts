import ssh2 from 'ssh2';
import type { Client, ClientChannel } from 'ssh2';

export interface BareTarget {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export interface BareShell {
  readonly client: Client;
  readonly channel: ClientChannel;
}

/** A shell by ssh2 alone, with the algorithms that the product and OpenSSH agree on. */
export function connectBare(target: BareTarget): Promise<BareShell> {
  const client = new ssh2.Client();
  const { promise, resolve, reject } = Promise.withResolvers<BareShell>();
  client.once('error', reject);
  client.once('ready', () => {
    // Without it a key waits some 40 ms for the acknowledgement of the one before: no fair comparison.
    client.setNoDelay(true);
    client.shell({ term: 'xterm-256color', cols: 80, rows: 24, width: 0, height: 0 }, (error, channel) => {
      if (error === undefined) resolve({ client, channel });
      else reject(error);
    });
  });
  client.connect({
    ...{
      host: target.host,
      port: target.port,
      username: target.username,
      password: target.password,
      keepaliveInterval: 15_000,
    },
    algorithms: { kex: ['curve25519-sha256'], cipher: ['aes128-gcm@openssh.com'], compress: ['none'] },
  });
  return promise;
}
