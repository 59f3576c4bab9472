import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { spawn as spawnPty, type IPty } from '@lydell/node-pty';
import { WebSocketServer, type WebSocket } from 'ws';

const run = promisify(execFile);
const OUTPUT_HIGH = 1024 * 1024;
const OUTPUT_LOW = 256 * 1024;
const PIECE = 32 * 1024;

export interface StandInContainer {
  readonly name: string;
  readonly tty?: boolean;
  readonly stdin?: boolean;
  /** What it runs, and attaching shows; a shell where nothing is said. */
  readonly runs?: readonly [string, ...string[]];
}

export interface StandInPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly phase?: 'Running' | 'Pending' | 'Succeeded';
  readonly defaultContainer?: string;
  readonly containers: readonly StandInContainer[];
}

export interface StandInOptions {
  readonly pods?: readonly StandInPod[];
  /** Older servers have v4 only. */
  readonly subprotocols?: readonly string[];
  /** What the account may not do. */
  readonly forbids?: readonly ('namespaces' | 'pods')[];
  /** Objects a list gives at once. */
  readonly pageSize?: number;
}

/**
 * A stand-in of the Kubernetes API server, and said to be one: what this project needs of it, written from its documentation and stricter than
 * the original where a client could be sloppy. Its containers are this machine: a command runs on a pseudo-terminal of its own or, without `tty`, on
 * pipes.
 */
export interface KubeApiServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly authority: string;
  readonly token: string;
  readonly client: { readonly certificate: string; readonly key: string };
  /** Requests that brought something to prove who asks. */
  attempts(): number;
  /** What a client did that the documentation does not allow. */
  readonly violations: readonly string[];
  /** What was asked for, without the address. */
  readonly requests: readonly string[];
  /** Ends the connections without a word. */
  cut(): void;
}

interface Certificates {
  readonly authority: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly certificate: string; readonly key: string };
}

async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-kube-'));
  const at = (name: string): string => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const issue = (name: string, subject: string, ...more: string[]) =>
    run('openssl', [
      ...['req', '-x509', ...key, '-subj', subject, '-CA', at('ca.pem'), '-CAkey', at('ca.key')],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), '-addext', 'basicConstraints=critical,CA:false'],
      ...more,
    ]);
  try {
    await run('openssl', [
      ...['req', '-x509', ...key, '-subj', '/CN=stand-in authority', '-keyout', at('ca.key'), '-out', at('ca.pem')],
    ]);
    await issue('server', '/CN=kube-apiserver', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
    await issue('client', '/O=developers/CN=dev', '-addext', 'extendedKeyUsage=clientAuth');
    const read = (name: string): Promise<string> => readFile(at(name), 'utf8');
    return {
      authority: await read('ca.pem'),
      server: { cert: await read('server.pem'), key: await read('server.key') },
      client: { certificate: await read('client.pem'), key: await read('client.key') },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const PODS: readonly StandInPod[] = [
  { namespace: 'shop', name: 'web-0', labels: { app: 'web' }, containers: [{ name: 'web', stdin: true, tty: true }] },
];
const QUERIES = {
  list: ['limit', 'continue', 'labelSelector', 'fieldSelector'],
  exec: ['container', 'command', 'stdin', 'stdout', 'stderr', 'tty'],
  attach: ['container', 'stdin', 'stdout', 'stderr', 'tty'],
} as const;

interface Wish {
  readonly verb: 'exec' | 'attach';
  readonly pod: StandInPod;
  readonly container: StandInContainer;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

interface Program {
  onData(hear: (bytes: Buffer, channel: 1 | 2) => void): { dispose(): void };
  onExit(hear: (code: number) => void): void;
  write(bytes: Buffer): void;
  pause(): void;
  resume(): void;
  kill(): void;
  destroy(): void;
  resize(width: number, height: number): void;
}

type Command = readonly [string, ...string[]];

function onTerminal([file, ...words]: Command): Program {
  const pty: IPty = spawnPty(file, words, { name: 'xterm', cols: 80, rows: 24, encoding: null });
  return {
    // Bytes are read and written as they are, whatever the types say.
    onData: (hear) => pty.onData((text: unknown) => hear(text as Buffer, 1)),
    onExit: (hear) =>
      void pty.onExit(({ exitCode, signal }) => hear(signal === undefined || signal === 0 ? exitCode : 128 + signal)),
    write: (bytes) => pty.write(bytes as unknown as string),
    pause: () => pty.pause(),
    resume: () => pty.resume(),
    kill: () => pty.kill('SIGKILL'),
    // The terminal outlives a process that died while it was paused.
    destroy: () => (pty as IPty & { destroy(): void }).destroy(),
    resize: (width, height) => {
      try {
        pty.resize(width, height);
      } catch {
        // The terminal is closed a moment before its process is known to have ended (EBADF).
      }
    },
  };
}

function onPipes([file, ...words]: Command, takesInput: boolean): Program {
  const child = spawn(file, words, { stdio: [takesInput ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  const { stdin, stdout, stderr } = child;
  stdin?.on('error', () => undefined);
  return {
    onData: (hear) => {
      const [out, error] = [(bytes: Buffer) => hear(bytes, 1), (bytes: Buffer) => hear(bytes, 2)];
      stdout?.on('data', out);
      stderr?.on('data', error);
      return { dispose: () => void (stdout?.off('data', out), stderr?.off('data', error)) };
    },
    onExit: (hear) => void child.on('close', (code) => hear(code ?? 137)),
    write: (bytes) => void stdin?.write(bytes),
    pause: () => void (stdout?.pause(), stderr?.pause()),
    resume: () => void (stdout?.resume(), stderr?.resume()),
    kill: () => void child.kill('SIGKILL'),
    destroy: () => void (stdout?.destroy(), stderr?.destroy()),
    resize: () => undefined,
  };
}

class Refused extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

function statusOf({ code, reason, message }: Refused): string {
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });
}

function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys())
    if (!known.includes(name)) throw new Refused(400, 'BadRequest', `unknown query parameter ${name}`);
}

function objectOf(pod: StandInPod): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      labels: pod.labels ?? {},
      ...(pod.defaultContainer === undefined
        ? {}
        : { annotations: { 'kubectl.kubernetes.io/default-container': pod.defaultContainer } }),
    },
    spec: { containers: pod.containers },
    status: { phase: pod.phase ?? 'Running' },
  };
}

function matches(pod: StandInPod, selector: string): boolean {
  return selector
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [, key = '', operator = '', value = ''] = /^([^=!]+)(!=|==?)(.*)$/u.exec(term) ?? [];
      return ((pod.labels ?? {})[key] === value) === (operator !== '!=');
    });
}

class StandIn {
  readonly violations: string[] = [];
  readonly requests: string[] = [];
  readonly token = randomBytes(24).toString('base64url');
  readonly #pods: readonly StandInPod[];
  readonly #options: StandInOptions;
  readonly #started: Program[] = [];
  readonly #running = new Set<Program>();
  /** The processes that containers run by themselves, for attaching. */
  readonly #own = new Map<string, Program>();
  attempts = 0;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#pods = options.pods ?? PODS;
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    try {
      const body = JSON.stringify(this.#read(request));
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    } catch (failure) {
      if (!(failure instanceof Refused)) throw failure;
      response.writeHead(failure.code, { 'content-type': 'application/json' }).end(statusOf(failure));
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, server: WebSocketServer): void {
    try {
      this.#authenticate(request);
      const wish = this.#wishOf(request);
      server.handleUpgrade(request, socket, head, (peer) => this.#serve(peer, wish));
    } catch (failure) {
      if (!(failure instanceof Refused)) throw failure;
      const body = statusOf(failure);
      socket.end(
        `HTTP/1.1 ${failure.code} ${failure.reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    }
  }

  subprotocol(offered: ReadonlySet<string>): string | false {
    const known = this.#options.subprotocols ?? ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
    return [...offered].find((name) => known.includes(name)) ?? false;
  }

  stop(): void {
    for (const process of this.#started) {
      if (this.#running.has(process)) process.kill();
      process.destroy();
    }
  }

  #authenticate(request: IncomingMessage): void {
    const { authorization } = request.headers;
    const socket = request.socket as TLSSocket;
    const hasCertificate = Object.keys(socket.getPeerCertificate()).length > 0;
    if (authorization !== undefined || hasCertificate) this.attempts += 1;
    this.requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const known = authorization === `Bearer ${this.token}` || (authorization === undefined && socket.authorized);
    if (!known) throw new Refused(401, 'Unauthorized', 'Unauthorized');
    if (request.method !== 'GET') throw new Refused(405, 'MethodNotAllowed', 'only GET is served here');
  }

  #read(request: IncomingMessage): object {
    this.#authenticate(request);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://stand-in');
    const { forbids = [] } = this.#options;
    const forbidden = (what: string): Refused =>
      new Refused(403, 'Forbidden', `${what} is forbidden: User "dev" cannot list resource "${what}"`);
    const [, namespace, name] = /^\/api\/v1\/namespaces(?:\/([^/]+)\/pods(?:\/([^/]+))?)?$/u.exec(pathname) ?? [];
    if (pathname === '/api/v1/namespaces') {
      if (forbids.includes('namespaces')) throw forbidden('namespaces');
      checkQuery(searchParams, QUERIES.list);
      const names = [...new Set(this.#pods.map((pod) => pod.namespace))];
      return this.#page(
        'NamespaceList',
        names.map((one) => ({ metadata: { name: one } })),
        searchParams,
      );
    }
    if (namespace === undefined) throw new Refused(404, 'NotFound', 'the server could not find the requested resource');
    const inside = this.#pods.filter((pod) => pod.namespace === namespace);
    if (name !== undefined) {
      checkQuery(searchParams, []);
      return objectOf(this.#find(namespace, name));
    }
    if (forbids.includes('pods')) throw forbidden('pods');
    checkQuery(searchParams, QUERIES.list);
    const field = searchParams.get('fieldSelector');
    if (field !== null && field !== 'status.phase=Running')
      throw new Refused(400, 'BadRequest', `field label not supported: ${field}`);
    const shown = inside.filter(
      (pod) =>
        (field === null || (pod.phase ?? 'Running') === 'Running') &&
        matches(pod, searchParams.get('labelSelector') ?? ''),
    );
    return this.#page('PodList', shown.map(objectOf), searchParams);
  }

  #page(kind: string, items: readonly object[], query: URLSearchParams): object {
    const limit = Math.min(Number(query.get('limit') ?? '500'), this.#options.pageSize ?? 500);
    const from = Number(query.get('continue') ?? '0');
    const next = from + limit < items.length ? { continue: String(from + limit) } : {};
    return { kind, apiVersion: 'v1', metadata: { ...next }, items: items.slice(from, from + limit) };
  }

  #find(namespace: string, name: string): StandInPod {
    const pod = this.#pods.find((one) => one.namespace === namespace && one.name === name);
    if (pod === undefined) throw new Refused(404, 'NotFound', `pods "${name}" not found`);
    return pod;
  }

  #wishOf(request: IncomingMessage): Wish {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'https://stand-in');
    const [, namespace, name, verb] =
      /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/(exec|attach)$/u.exec(pathname) ?? [];
    if (namespace === undefined || name === undefined || (verb !== 'exec' && verb !== 'attach'))
      throw new Refused(404, 'NotFound', 'the server could not find the requested resource');
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    if (this.subprotocol(new Set(offered)) === false)
      throw new Refused(403, 'Forbidden', 'requested protocol(s) are not supported');
    checkQuery(query, QUERIES[verb]);
    const pod = this.#find(namespace, name);
    if ((pod.phase ?? 'Running') !== 'Running')
      throw new Refused(400, 'BadRequest', `cannot exec in a stopped state: ${pod.phase ?? ''}`);
    const container = pod.containers.find((one) => one.name === query.get('container'));
    if (container === undefined)
      throw new Refused(400, 'BadRequest', `container ${query.get('container') ?? ''} is not valid for pod ${name}`);
    const flag = (flagName: string): boolean => {
      const value = query.get(flagName);
      if (value !== 'true' && value !== 'false') throw new Refused(400, 'BadRequest', `${flagName} must be a bool`);
      return value === 'true';
    };
    const [tty, stdin] = [flag('tty'), flag('stdin')];
    if (verb === 'attach' && (tty !== (container.tty ?? false) || (stdin && container.stdin !== true)))
      throw new Refused(400, 'BadRequest', `container ${container.name} has no such streams`);
    if (tty && flag('stderr')) throw new Refused(400, 'BadRequest', 'tty and stderr cannot both be true');
    if (!flag('stdout')) throw new Refused(400, 'BadRequest', 'you must specify at least 1 of stdin, stdout, stderr');
    const command = query.getAll('command');
    if (verb === 'exec' && command.length === 0)
      throw new Refused(400, 'BadRequest', 'you must specify at least one command for the container');
    return { verb, pod, container, command, tty, stdin };
  }

  #serve(peer: WebSocket, wish: Wish): void {
    // The original opens each stream with an empty message.
    for (const channel of [1, 2, 3]) peer.send(Uint8Array.of(channel));
    const process = this.#processOf(peer, wish);
    if (process === undefined) return;
    const send = (bytes: Buffer, channel: 1 | 2): void => {
      for (let at = 0; at < bytes.length; at += PIECE)
        peer.send(Buffer.concat([Uint8Array.of(channel), bytes.subarray(at, at + PIECE)]), () => {
          if (peer.bufferedAmount < OUTPUT_LOW) process.resume();
        });
      if (peer.bufferedAmount > OUTPUT_HIGH) process.pause();
    };
    const shown = process.onData(send);
    process.onExit((code) => {
      // Output that is still on its way is read before its end.
      setImmediate(() => this.#end(peer, code));
    });
    peer.on('message', (data, isBinary) => this.#take({ peer, wish, process }, data as Buffer, isBinary));
    peer.on('close', () => {
      shown.dispose();
      if (wish.verb === 'exec') process.kill();
    });
  }

  #processOf(peer: WebSocket, wish: Wish): Program | undefined {
    const key = `${wish.pod.namespace}/${wish.pod.name}/${wish.container.name}`;
    const known = this.#own.get(key);
    if (wish.verb === 'attach' && known !== undefined) return known;
    const { container } = wish;
    const [program = 'sh', ...words] = wish.verb === 'exec' ? wish.command : (container.runs ?? []);
    if (program.includes('/nowhere/')) {
      this.#say(peer, {
        status: 'Failure',
        reason: 'InternalError',
        message: `error executing command in container: exec: "${program}": stat ${program}: no such file or directory`,
      });
      return undefined;
    }
    const process = wish.tty
      ? onTerminal([program, ...words])
      : onPipes([program, ...words], wish.verb === 'exec' ? wish.stdin : container.stdin === true);
    this.#started.push(process);
    this.#running.add(process);
    if (wish.verb === 'attach') this.#own.set(key, process);
    process.onExit(() => {
      this.#running.delete(process);
      this.#own.delete(key);
    });
    return process;
  }

  #take(
    { peer, wish, process }: { peer: WebSocket; wish: Wish; process: Program },
    data: Buffer,
    binary: boolean,
  ): void {
    const breach = (what: string): void => {
      this.violations.push(what);
      peer.close(1002, what.slice(0, 100));
    };
    if (!binary) return breach('a message of text');
    const [channel] = data;
    if (channel === 0) {
      if (!wish.stdin) return breach('input without stdin');
      process.write(data.subarray(1));
      return undefined;
    }
    if (channel !== 4) return breach(`channel ${channel ?? 'none'}`);
    if (!wish.tty) return breach('a size without a terminal');
    const size = JSON.parse(data.subarray(1).toString()) as Record<string, unknown>;
    const [width, height] = [size['Width'], size['Height']];
    const isSize = (value: unknown): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
    if (Object.keys(size).length !== 2 || !isSize(width) || !isSize(height)) return breach('a size that is none');
    process.resize(width, height);
    return undefined;
  }

  #end(peer: WebSocket, code: number): void {
    this.#say(
      peer,
      code === 0
        ? { status: 'Success' }
        : {
            status: 'Failure',
            reason: 'NonZeroExitCode',
            message: `command terminated with non-zero exit code: exit status ${code}`,
            details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
          },
    );
  }

  #say(peer: WebSocket, status: object): void {
    if (peer.readyState !== peer.OPEN) return;
    peer.send(Buffer.concat([Uint8Array.of(3), Buffer.from(JSON.stringify({ metadata: {}, ...status }))]));
    peer.close(1000);
  }
}

export async function startKubeApiServer(options: StandInOptions = {}): Promise<KubeApiServer> {
  const { authority, server: own, client } = await makeCertificates();
  const standIn = new StandIn(options);
  const sockets = new Set<Duplex>();
  const server = createServer(
    { ...own, ca: authority, requestCert: true, rejectUnauthorized: false },
    (request, response) => standIn.answer(request, response),
  );
  const streams = new WebSocketServer({
    noServer: true,
    maxPayload: 1024 * 1024,
    handleProtocols: (offered) => standIn.subprotocol(offered),
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    standIn.upgrade(request, socket, head, streams),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: 'localhost',
    port: (server.address() as AddressInfo).port,
    authority,
    client,
    token: standIn.token,
    attempts: () => standIn.attempts,
    violations: standIn.violations,
    requests: standIn.requests,
    cut,
    async [Symbol.asyncDispose]() {
      standIn.stop();
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
