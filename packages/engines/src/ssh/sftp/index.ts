import type { FileChannel } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Client, ClientChannel } from 'ssh2';
import { SftpClient } from './sftp-client.ts';
import { SftpFiles } from './sftp-files.ts';

const CHANNEL_MS = 15_000;

/** SFTP on a connection that is signed in already (RFC 4254 section 6.5); what is `owned` is disposed of with the channel. @throws Fault FILES_UNAVAILABLE */
export async function openFiles(client: Client, owned?: AsyncDisposable): Promise<FileChannel> {
  return new SftpFiles(await SftpClient.start(await openSubsystem(client)), owned);
}

async function openSubsystem(client: Client): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  let isLate = false;
  const unavailable = (cause: unknown): void =>
    reject(new Fault('FILES_UNAVAILABLE', 'the target gives no SFTP', { cause }));
  const timer = setTimeout(() => {
    isLate = true;
    reject(new Fault('FILES_UNAVAILABLE', 'the target did not answer the request for SFTP'));
  }, CHANNEL_MS);
  try {
    client.subsys('sftp', (error, opened) => {
      if (error !== undefined) unavailable(error);
      else if (isLate) opened.destroy();
      else resolve(opened);
    });
  } catch (error) {
    unavailable(error);
  }
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
