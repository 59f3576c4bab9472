import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { QueueClient, StorageSharedKeyCredential } from '@azure/storage-queue';
import type { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';

/** The account and key that Azurite documents for everybody. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** A storage queue and its poison queue on Azurite, Microsoft's emulator, in a process of its own. It checks tokens: audience and lifetime. */
export class EventQueue implements AsyncDisposable {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #queue: QueueClient;
  readonly #poison: QueueClient;

  private constructor(server: ChildProcess, url: string) {
    const credential = new StorageSharedKeyCredential(ACCOUNT, KEY);
    this.#process = server;
    this.url = url;
    this.#queue = new QueueClient(url, credential);
    this.#poison = new QueueClient(`${url}-poison`, credential);
  }

  /** The certificate must be trusted by this process. */
  static async start(certificate: LoopbackCertificate): Promise<EventQueue> {
    const program = createRequire(import.meta.url).resolve('azurite/dist/src/queue/main.js');
    const server = spawn(
      process.execPath,
      [
        program,
        ...['--silent', '--inMemoryPersistence', '--disableTelemetry', '--skipApiVersionCheck', '--queuePort', '0'],
        ...['--oauth', 'basic', '--cert', certificate.certFile, '--key', certificate.keyFile],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } },
    );
    const base = await new Promise<string>((resolve, reject) => {
      let told = '';
      const hear = (chunk: Buffer): void => {
        told += chunk.toString();
        const url = /successfully listens? ?(?:ing)? ?(?:at|on) (https:\S+)|(https:\/\/127\.0\.0\.1:\d+)/u.exec(told);
        if (url !== null && /success/iu.test(told)) resolve(url[1] ?? url[2] ?? '');
      };
      server.stdout.on('data', hear);
      server.stderr.on('data', hear);
      server.once('exit', () => {
        reject(new Error(`Azurite ended: ${told}`));
      });
    });
    const queue = new EventQueue(server, `${base}/${ACCOUNT}/events`);
    await queue.#queue.create();
    await queue.#poison.create();
    return queue;
  }

  async send(...texts: readonly string[]): Promise<void> {
    for (const text of texts) await this.#queue.sendMessage(text);
  }

  async poisoned(): Promise<readonly string[]> {
    const { receivedMessageItems } = await this.#poison.receiveMessages({ numberOfMessages: 32 });
    return receivedMessageItems.map(({ messageText }) => messageText);
  }

  async length(): Promise<number> {
    return (await this.#queue.getProperties()).approximateMessagesCount ?? 0;
  }

  async clear(): Promise<void> {
    await this.#queue.clearMessages();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
  }
}
