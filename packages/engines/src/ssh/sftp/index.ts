import type { FileChannel } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Client, ClientChannel } from 'ssh2';
import { SftpClient } from './sftp-client.ts';
import { SftpFiles } from './sftp-files.ts';

/** SFTP on a connection that is signed in already (RFC 4254 section 6.5); what is `owned` is disposed of with the channel. @throws Fault FILES_UNAVAILABLE */
export async function openFiles(client: Client, owned?: AsyncDisposable): Promise<FileChannel> {
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    const unavailable = (cause: unknown): void =>
      reject(new Fault('FILES_UNAVAILABLE', 'the target gives no SFTP', { cause }));
    try {
      client.subsys('sftp', (error, opened) => (error === undefined ? resolve(opened) : unavailable(error)));
    } catch (error) {
      unavailable(error);
    }
  });
  return new SftpFiles(await SftpClient.start(channel), owned);
}
