import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { Door } from '../../shared/testing/door.ts';

export type QueueCall = 'receive' | 'update' | 'delete' | 'send';
const CALLS: Readonly<Record<string, QueueCall>> = { GET: 'receive', PUT: 'update', DELETE: 'delete', POST: 'send' };

/** Stands in front of Azurite and refuses calls as a storage account does to an identity that lacks the data action. */
export class QueueDoor extends Door<QueueCall> {
  /** @param queueUrl of the queue behind it; the certificate is trusted by this process */
  static async before(queueUrl: string, certificate: LoopbackCertificate): Promise<QueueDoor> {
    const door = new QueueDoor(new URL(queueUrl), certificate);
    await door.listening();
    return door;
  }

  protected callOf({ method = '' }: IncomingMessage): QueueCall | undefined {
    return CALLS[method];
  }

  protected refuse(_call: QueueCall, response: ServerResponse): void {
    const [code, message] = [
      'AuthorizationPermissionMismatch',
      'This request is not authorized to perform this operation using this permission.',
    ];
    response.writeHead(403, { 'content-type': 'application/xml', 'x-ms-error-code': code });
    response.end(
      `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
    );
  }
}
