import type { Socket } from 'node:net';
import type { SessionEnd } from '@enchilada/core/engine';
import { Fault, isFault, toFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { abortFault } from '../shared/index.ts';
import { encodeInstruction, faultOfError, InstructionDecoder, type Instruction } from './codec/index.ts';

/** guacd leaves whoever is silent for 15 seconds. */
const NOP_MS = 5_000;
const MOST_ATTEMPTS = 3;
const MOST_EARLY_BYTES = 16 * 1024 * 1024;
/** What an instruction that is kept takes beside its bytes, about. */
const KEPT_BYTES = 256;
const OUR_VERSIONS = ['VERSION_1_5_0', 'VERSION_1_3_0', 'VERSION_1_1_0'];

export interface HandshakeWishes {
  /** A protocol to open, or the id of a connection to join. */
  readonly select: string;
  /** What guacd's parameters get; whatever is absent gets nothing. */
  readonly values: Readonly<Record<string, string>>;
  readonly display: { readonly width: number; readonly height: number };
  readonly sound: boolean;
  readonly allowOld: boolean;
  readonly name: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long guacd may take for its first word. */
  readonly firstWordMs: number;
  /** A further connection to the same guacd. @throws Fault */
  readonly reconnect: () => Promise<Socket>;
  /** What the machine wants to know beside `values`, one answer a name. Absent: it is told nothing. @throws Fault */
  readonly ask?: (names: readonly string[]) => Promise<readonly string[]>;
}

export interface ConnectionListener {
  heard(instructions: readonly Instruction[]): void;
  drained(): void;
  ended(end: SessionEnd): void;
}

/** One user of one connection of guacd. While nobody listens it answers for itself, so that the desktop stays. */
export class GuacdConnection implements AsyncDisposable {
  readonly id: string;
  readonly version: string;
  readonly #socket: Socket;
  readonly #decoder: InstructionDecoder;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  readonly #nops: Disposable;
  #early: readonly Instruction[];
  #listener: ConnectionListener | undefined;
  #isOver = false;

  constructor(socket: Socket, opened: Opened, clock: Clock) {
    this.id = opened.id;
    this.version = opened.version;
    this.#socket = socket;
    this.#decoder = opened.decoder;
    this.#early = opened.early;
    this.#nops = clock.every(NOP_MS, () => this.write([encodeInstruction('nop')]));
    socket.on('data', (bytes: Buffer) => this.#heard(bytes));
    socket.on('drain', () => this.#listener?.drained());
    socket.on('close', () =>
      this.finish({
        reason: 'failed',
        fault: new Fault('TARGET_DISCONNECTED', 'guacd ended the connection without a word'),
      }),
    );
  }

  listen(listener: ConnectionListener): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    if (early.length > 0) listener.heard(early);
    if (this.#isOver) void this.ended.then((end) => listener.ended(end));
    else this.#socket.resume();
  }

  release(): void {
    this.#listener = undefined;
    if (!this.#isOver) this.#socket.resume();
  }

  write(messages: readonly Uint8Array[]): boolean {
    if (this.#isOver || messages.length === 0) return true;
    return this.#socket.write(Buffer.concat(messages));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#nops[Symbol.dispose]();
    if (this.#socket.writable) this.#socket.end(encodeInstruction('disconnect'));
    this.#socket.removeAllListeners('data');
    this.#socket.resume();
    this.#socket.destroySoon();
    this.#listener?.ended(end);
    this.#ended.resolve(end);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.finish({ reason: 'terminated' });
    return Promise.resolve();
  }

  #heard(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      const instructions = this.#decoder.push(bytes);
      if (instructions.length === 0) return;
      if (this.#listener !== undefined) {
        this.#listener.heard(instructions);
        return;
      }
      for (const { opcode, arguments: words } of instructions) {
        if (opcode === 'sync') this.write([encodeInstruction('sync', words[0] ?? '0')]);
        if (opcode === 'error') this.finish({ reason: 'failed', fault: faultOfError(words) });
        if (opcode === 'disconnect') this.finish({ reason: 'closed-by-target' });
      }
    } catch (failure) {
      this.finish({ reason: 'failed', fault: toFault(failure) });
    }
  }
}

interface Opened {
  readonly id: string;
  readonly version: string;
  readonly decoder: InstructionDecoder;
  readonly early: readonly Instruction[];
}

/**
 * Everything up to the first whole picture, where guacd says that the machine was reached. Owns the socket. @throws Fault
 *
 * guacd up to 1.5 closes a descriptor twice when a connection ends (guacd_route_connection, connection.c): one that begins in that
 * moment may get the number in between, and then it is closed, gets a byte of guacd's own, or nothing at all. Until its first
 * word guacd knows nothing but the protocol, so that it can be asked again.
 */
export async function shakeHands(socket: Socket, wishes: HandshakeWishes): Promise<GuacdConnection> {
  for (let attempt = 1, used = socket; ; attempt += 1) {
    const made = await shakeHandsOnce(used, wishes);
    if (made instanceof GuacdConnection) return made;
    if (attempt === MOST_ATTEMPTS || wishes.signal.aborted) throw made.unheard;
    used = await wishes.reconnect();
  }
}

/** What it ended by where guacd said no word. */
interface Unheard {
  readonly unheard: Fault;
}

async function shakeHandsOnce(socket: Socket, wishes: HandshakeWishes): Promise<GuacdConnection | Unheard> {
  const { signal, clock } = wishes;
  const { promise, resolve, reject } = Promise.withResolvers<Opened>();
  const handshake = new Handshake(wishes, {
    send: (bytes) => void socket.write(bytes),
    required: (names) =>
      void answersTo(names, wishes).then((answers) => {
        for (const [stream, name] of names.entries()) socket.write(argument(stream, name, answers[stream] ?? ''));
      }, reject),
    opened: (opened) => {
      socket.pause();
      resolve(opened);
    },
  });
  const onData = (bytes: Buffer): void => {
    try {
      handshake.push(bytes);
    } catch (failure) {
      reject(failure);
    }
  };
  const onClose = (): void =>
    reject(new Fault('TARGET_DISCONNECTED', 'guacd ended the connection while it was being opened'));
  const onAbort = (): void => reject(abortFault(signal));
  using _silence = clock.after(wishes.firstWordMs, () => {
    if (!handshake.hasHeard) reject(new Fault('TARGET_TIMED_OUT', 'guacd does not answer'));
  });
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  socket.on('data', onData);
  socket.on('close', onClose);
  using _nops = clock.every(NOP_MS, () => handshake.isConnecting && socket.write(encodeInstruction('nop')));
  try {
    socket.write(encodeInstruction('select', wishes.select));
    return new GuacdConnection(socket, await promise, clock);
  } catch (failure) {
    socket.destroy();
    const fault = isFault(failure) ? failure : toFault(failure);
    if (!handshake.hasHeard) return { unheard: fault };
    throw fault;
  } finally {
    socket.off('data', onData);
    socket.off('close', onClose);
    signal.removeEventListener('abort', onAbort);
  }
}

const MOST_REQUIRED = 8;
const MOST_QUESTIONS = 3;
const LONGEST_ANSWER = 4_096;
const PARAMETER = /^[a-z][a-z0-9-]{0,62}$/u;

async function answersTo(names: readonly string[], { ask }: HandshakeWishes): Promise<readonly string[]> {
  const words = names.join(', ').slice(0, 200);
  if (ask === undefined) throw new Fault('CREDENTIAL_MISSING', `the machine asks for ${words}`);
  if (names.length === 0 || names.length > MOST_REQUIRED || !names.every((name) => PARAMETER.test(name)))
    throw new Fault('TARGET_PROTOCOL_VIOLATION', `guacd asks for what is no list of parameters: ${words}`);
  return await ask(names);
}

/** A parameter that guacd asked for, as a stream that is over at once. */
function argument(stream: number, name: string, value: string): Uint8Array {
  const text = Buffer.from(value.slice(0, LONGEST_ANSWER)).toString('base64');
  return Buffer.concat([
    encodeInstruction('argv', String(stream), 'text/plain', name),
    encodeInstruction('blob', String(stream), text),
    encodeInstruction('end', String(stream)),
  ]);
}

interface HandshakeActs {
  send(bytes: Uint8Array): void;
  required(names: readonly string[]): void;
  opened(opened: Opened): void;
}

class Handshake {
  readonly #wishes: HandshakeWishes;
  readonly #acts: HandshakeActs;
  readonly #decoder = new InstructionDecoder('TARGET_PROTOCOL_VIOLATION');
  readonly #early: Instruction[] = [];
  #earlyBytes = 0;
  #questions = 0;
  #hasHeard = false;
  #step: 'args' | 'ready' | 'picture' | 'over' = 'args';
  #version = 'VERSION_1_0_0';
  #id = '';

  constructor(wishes: HandshakeWishes, acts: HandshakeActs) {
    this.#wishes = wishes;
    this.#acts = acts;
  }

  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  get isConnecting(): boolean {
    return this.#step === 'ready' || this.#step === 'picture';
  }

  push(bytes: Uint8Array): void {
    for (const instruction of this.#decoder.push(bytes)) this.#hear(instruction);
    if (this.#step === 'over')
      this.#acts.opened({ id: this.#id, version: this.#version, decoder: this.#decoder, early: this.#early });
  }

  #hear(instruction: Instruction): void {
    this.#hasHeard = true;
    const { opcode, arguments: words } = instruction;
    if (opcode === 'error') throw faultOfError(words);
    if (opcode === 'disconnect') throw new Fault('TARGET_DISCONNECTED', 'the machine ended the connection at once');
    switch (this.#step) {
      case 'args':
        if (opcode === 'args') this.#answerArgs(words);
        return;
      case 'ready':
        if (opcode === 'required') this.#require(words);
        if (opcode !== 'ready') return;
        this.#id = words[0] ?? '';
        this.#step = 'picture';
        return;
      case 'picture':
      case 'over':
        if (opcode === 'required') this.#require(words);
        // What it says to our own streams is nothing to the viewer's.
        else if (opcode !== 'ack') this.#keep(instruction);
        return;
    }
  }

  #require(names: readonly string[]): void {
    this.#questions += 1;
    if (this.#questions > MOST_QUESTIONS)
      throw new Fault('TARGET_PROTOCOL_VIOLATION', `guacd asks for the ${this.#questions}th time`);
    this.#acts.required(names);
  }

  #answerArgs(names: readonly string[]): void {
    const { values, display, sound, allowOld } = this.#wishes;
    const offered = names.find((name) => name.startsWith('VERSION_'));
    this.#version = offered ?? this.#version;
    if (!allowOld && !isRecent(this.#version))
      throw new Fault(
        'TARGET_PROTOCOL_VIOLATION',
        `guacd speaks ${this.#version} and has known holes; update it, or set guacd.allowVulnerable`,
      );
    const spoken = OUR_VERSIONS.find((known) => known === offered) ?? offered ?? '';
    const send = (opcode: string, ...words: readonly string[]): void =>
      this.#acts.send(encodeInstruction(opcode, ...words));
    send('size', String(display.width), String(display.height), '96');
    send('audio', ...(sound ? ['audio/L16', 'audio/L8'] : []));
    send('video');
    send('image', 'image/png', 'image/jpeg', 'image/webp');
    send('timezone', Intl.DateTimeFormat().resolvedOptions().timeZone);
    if (isRecent(this.#version)) send('name', this.#wishes.name);
    send('connect', ...names.map((name) => (name === offered ? spoken : (values[name] ?? ''))));
    this.#step = 'ready';
  }

  #keep(instruction: Instruction): void {
    this.#earlyBytes += instruction.bytes.length + KEPT_BYTES;
    if (this.#earlyBytes > MOST_EARLY_BYTES)
      throw new Fault('TARGET_PROTOCOL_VIOLATION', 'guacd draws without end before its first picture');
    // The decoder's buffer is used again.
    this.#early.push({ ...instruction, bytes: instruction.bytes.slice() });
    if (instruction.opcode === 'sync') this.#step = 'over';
  }
}

/** Protocol versions before 1.5 come from a guacd whose memory errors are public (CVE-2023-43826 and before). */
function isRecent(version: string): boolean {
  const [, major = '0', minor = '0'] = /^VERSION_(\d{1,3})_(\d{1,3})_\d{1,3}$/u.exec(version) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 5);
}
