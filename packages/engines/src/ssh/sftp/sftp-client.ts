import { Fault, isFault } from '@enchilada/core/fault';
import type { ClientChannel } from 'ssh2';
import {
  encodeRequest,
  readNumbers,
  REQUEST,
  SFTP_VERSION,
  SftpDecoder,
  STATUS,
  type Field,
  type SftpResponse,
} from '../codec/sftp-packets.ts';

const START_MS = 15_000;
/** How long a service that owes answers may give none; a disk that must wake first takes some of it. */
const SILENT_MS = 60_000;
/** What every server must take (draft section 3), and what OpenSSH calls its limits where it tells them. */
const USUAL_BYTES = 32 * 1024;
const MOST_BYTES = 255 * 1024;
/** Whatever a service says of its limits: less would make of every file a flood of requests. */
const LEAST_BYTES = 4 * 1024;

type Answer<T extends SftpResponse['type']> = Extract<SftpResponse, { readonly type: T }>;

interface Pending {
  readonly resolve: (response: SftpResponse) => void;
  readonly reject: (error: unknown) => void;
}

/** A refusal of one operation by the target, with the draft's own code. */
export class SftpRefusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

/** Requests and their answers over one channel; many may be open at once. */
export class SftpClient implements AsyncDisposable {
  readonly #channel: ClientChannel;
  readonly #decoder = new SftpDecoder();
  readonly #pending = new Map<number, Pending>();
  readonly #closed = Promise.withResolvers<void>();
  #version = Promise.withResolvers<Answer<'version'>>();
  #extensions: ReadonlyMap<string, string> = new Map();
  #nextId = 0;
  /** Runs while an answer is due, anew with each that comes. */
  #silence: NodeJS.Timeout | undefined;
  #failure: unknown;
  readBytes = USUAL_BYTES;
  writeBytes = USUAL_BYTES;

  private constructor(channel: ClientChannel) {
    this.#channel = channel;
    // Whoever opens the client awaits it; one that is closed before has nobody waiting.
    this.#version.promise.catch(() => undefined);
    channel.on('data', (bytes: Uint8Array) => this.#received(bytes));
    channel.stderr.resume();
    channel.on('error', (error: Error) => this.#fail(error));
    channel.on('close', () => {
      this.#fail(new Fault('FILES_UNAVAILABLE', 'the target closed the file channel'));
      this.#closed.resolve();
    });
  }

  /** @throws Fault FILES_UNAVAILABLE, TARGET_PROTOCOL_VIOLATION */
  static async start(channel: ClientChannel): Promise<SftpClient> {
    const client = new SftpClient(channel);
    const timer = setTimeout(
      () => client.#fail(new Fault('FILES_UNAVAILABLE', 'the file service said nothing')),
      START_MS,
    );
    try {
      channel.write(encodeRequest(REQUEST.INIT, [{ uint32: SFTP_VERSION }]));
      const { version, extensions } = await client.#version.promise;
      if (version !== SFTP_VERSION)
        throw new Fault('FILES_UNAVAILABLE', `the file service speaks version ${version}, not ${SFTP_VERSION}`);
      client.#extensions = extensions;
      await client.#learnLimits();
      return client;
    } catch (error) {
      channel.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  has(extension: string): boolean {
    return this.#extensions.has(extension);
  }

  /** @throws SftpRefusal, Fault */
  request<T extends SftpResponse['type']>(type: number, fields: readonly Field[], wanted: T): Promise<Answer<T>> {
    if (this.#failure !== undefined) return Promise.reject(asFault(this.#failure));
    const id = this.#nextId;
    this.#nextId = (this.#nextId + 1) >>> 0;
    const { promise, resolve, reject } = Promise.withResolvers<Answer<T>>();
    this.#pending.set(id, {
      reject,
      resolve: (response) => {
        if (response.type === wanted) resolve(response as Answer<T>);
        else if (response.type === 'status') reject(new SftpRefusal(response.code));
        else {
          const words = `the file service answered ${response.type} where ${wanted} was due`;
          const fault = new Fault('TARGET_PROTOCOL_VIOLATION', words);
          reject(fault);
          this.#fail(fault);
        }
      },
    });
    this.#silence ??= setTimeout(() => {
      this.#fail(new Fault('FILES_UNAVAILABLE', `the file service has not answered for ${SILENT_MS / 1_000} s`));
    }, SILENT_MS).unref();
    this.#channel.write(encodeRequest(type, [{ uint32: id }, ...fields]));
    return promise;
  }

  /** For requests that are answered by a status alone. @throws SftpRefusal, Fault */
  async act(type: number, fields: readonly Field[]): Promise<void> {
    const { code } = await this.request(type, fields, 'status');
    if (code !== STATUS.OK) throw new SftpRefusal(code);
  }

  /** Resolves once the connection has taken enough of what was written. */
  async drained(): Promise<void> {
    if (!this.#channel.writableNeedDrain || this.#failure !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const over = (): void => {
      this.#channel.off('drain', over);
      this.#channel.off('close', over);
      resolve();
    };
    this.#channel.on('drain', over);
    this.#channel.on('close', over);
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new Fault('FILES_UNAVAILABLE', 'the file channel was closed'));
    this.#channel.destroy();
    await Promise.resolve();
  }

  /** [limits@openssh.com](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL), section 4.8: packet, read, write, handles; 0 is no answer. */
  async #learnLimits(): Promise<void> {
    if (!this.has('limits@openssh.com')) return;
    const { payload } = await this.request(REQUEST.EXTENDED, [{ string: 'limits@openssh.com' }], 'extended');
    const [, read = 0, write = 0] = readNumbers(payload);
    if (read > 0) this.readBytes = Math.max(LEAST_BYTES, Math.min(read, MOST_BYTES));
    if (write > 0) this.writeBytes = Math.max(LEAST_BYTES, Math.min(write, MOST_BYTES));
  }

  #received(bytes: Uint8Array): void {
    try {
      for (const response of this.#decoder.push(bytes)) {
        if (this.#failure !== undefined) return;
        if (response.type === 'version') {
          this.#version.resolve(response);
          continue;
        }
        const pending = this.#pending.get(response.id);
        if (pending === undefined)
          throw new Fault('TARGET_PROTOCOL_VIOLATION', `the file service answered ${response.id}, which nobody asked`);
        this.#pending.delete(response.id);
        pending.resolve(response);
      }
      if (this.#pending.size === 0) this.#endSilence();
      else this.#silence?.refresh();
    } catch (error) {
      this.#fail(error);
    }
  }

  #endSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#endSilence();
    const fault = asFault(error);
    this.#version.reject(fault);
    for (const { reject } of this.#pending.values()) reject(fault);
    this.#pending.clear();
    this.#channel.destroy();
  }
}

function asFault(error: unknown): Fault {
  if (isFault(error)) return error;
  return new Fault('FILES_UNAVAILABLE', 'the file channel broke', { cause: error });
}
