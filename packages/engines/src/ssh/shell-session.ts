import type { EngineContext, EngineSession, SessionEnd } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import type { ClientChannel } from 'ssh2';
import type { ConnectedHop, HopLimits } from './connect-hop.ts';
import { Patience, peerText } from '../shared/index.ts';
import { announceWindow, OutputWindow } from './output-window.ts';
import { openFiles } from './sftp/index.ts';
import { readParameters } from './ssh-manifest.ts';

const INPUT_HIGH = 256 * 1024;
const INPUT_LOW = 64 * 1024;

function withCause(message: string, cause: unknown): Fault {
  return new Fault(
    'SHELL_REFUSED',
    `${message}: ${cause instanceof Error ? peerText(cause.message, 200) : 'no reason given'}`,
    { cause },
  );
}

const REFUSED = 'the target refused the terminal, shell or command';

function hungUp(cause: unknown): Fault {
  return new Fault('TARGET_DISCONNECTED', 'the target closed the connection before a shell was opened', {
    ...(cause === undefined ? {} : { cause }),
  });
}

type Exit = Pick<SessionEnd, 'exitCode' | 'exitSignal'>;

interface OpenedChannel {
  readonly channel: ClientChannel;
  readonly output: OutputWindow;
  /** What the target has said so far of how the command ended. */
  readonly exit: () => Exit;
  readonly closed: Promise<void>;
  /** Resolves when the target sends more than its window allows. */
  readonly overrun: Promise<void>;
}

/** Listens at once: all that a short command has to say may stand in the packets behind the one that opened its channel. */
function heard(channel: ClientChannel): Pick<OpenedChannel, 'exit' | 'closed'> {
  const closed = Promise.withResolvers<void>();
  let exit: Exit = {};
  channel.on('exit', (code: number | null, signal?: string) => {
    if (typeof code === 'number') exit = { exitCode: code };
    else if (signal !== undefined) exit = { exitSignal: peerText(signal, 32) };
  });
  // Its `close` follows and says what is to be said; without a listener an error would end the process.
  channel.on('error', () => undefined);
  channel.on('close', () => closed.resolve());
  return { exit: () => exit, closed: closed.promise };
}

/** Opens the terminal: the initial command where there is one, else the login shell. */
async function openChannel(last: ConnectedHop, context: EngineContext, limits: HopLimits): Promise<OpenedChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<OpenedChannel>();
  const { promise: overrun, resolve: onViolation } = Promise.withResolvers<void>();
  // A target may sign somebody in, answer keepalives, and never say a word about the terminal.
  using _patience = new Patience(context.clock, limits, reject);
  const onAbort = (): void =>
    reject(
      new Fault('SESSION_ENDED', 'the session was ended while it was being opened', { cause: context.signal.reason }),
    );
  context.signal.addEventListener('abort', onAbort, { once: true });
  const parameters = readParameters((context.hops.at(-1) ?? context.hops[0]).leave.target.parameters);
  const { columns, rows } = context.display;
  const pty = { term: parameters.terminalType, cols: columns, rows, width: 0, height: 0 };
  const env = parameters.environment;
  const onOpened = (error: Error | undefined, channel: ClientChannel): void => {
    // ssh2 1.17 answers open requests with refusals when the connection went: that it went is said below, and first.
    if (error !== undefined) return void setImmediate(() => reject(withCause(REFUSED, error)));
    // In this very callback: the packets behind it belong to the sink already.
    if (last.banner !== '') context.sink.output(Buffer.from(last.banner.replace(/\r?\n/gu, '\r\n')));
    const output = new OutputWindow(last.client, channel, { sink: context.sink, onViolation });
    resolve({ channel, output, overrun, ...heard(channel) });
  };
  announceWindow(last.client);
  try {
    if (parameters.initialCommand === '') last.client.shell(pty, { env }, onOpened);
    else last.client.exec(parameters.initialCommand, { pty, env }, onOpened);
  } catch (error) {
    reject(hungUp(error));
  }
  void last.closed.then((fault) => reject(fault ?? hungUp(undefined)));
  try {
    return await promise;
  } finally {
    context.signal.removeEventListener('abort', onAbort);
  }
}

export interface Journey {
  /** In order of travel; the last one carries the shell. */
  readonly hops: readonly [ConnectedHop, ...ConnectedHop[]];
  readonly facts: EngineSession['facts'];
  readonly limits: HopLimits;
}

/** @throws Fault SHELL_REFUSED, TARGET_DISCONNECTED, TARGET_TIMED_OUT */
export async function openShell(context: EngineContext, journey: Journey): Promise<EngineSession> {
  const last = journey.hops.at(-1) ?? journey.hops[0];
  const ended = Promise.withResolvers<SessionEnd>();
  let isOver = false;
  const { channel, output, exit, closed, overrun } = await openChannel(last, context, journey.limits);
  let pendingInput = 0;
  let inputWaits = false;
  let onDrain: (() => void) | undefined;

  const closeAll = async (): Promise<void> => {
    for (const hop of journey.hops.toReversed()) await hop[Symbol.asyncDispose]();
  };
  const finish = (end: SessionEnd): void => {
    if (isOver) return;
    isOver = true;
    context.signal.removeEventListener('abort', onAbort);
    void closeAll();
    // The target may be gone while a slow viewer still holds its last words.
    void output.drained().then(() => ended.resolve(end));
  };
  const terminate = (reason: unknown): void => {
    output.close();
    finish({ reason: 'terminated', ...(isFault(reason) ? { fault: reason } : {}) });
  };
  const onAbort = (): void => terminate(context.signal.reason);

  void closed.then(() => {
    const end = { reason: 'closed-by-target', ...exit() } as const;
    // A lost connection closes its channels too, without an exit status; the connection then says why.
    if (Object.keys(exit()).length > 0) finish(end);
    else setImmediate(() => finish(end));
  });
  void overrun.then(() =>
    finish({
      reason: 'failed',
      fault: new Fault('TARGET_PROTOCOL_VIOLATION', 'the target sent more than its window allows'),
    }),
  );
  for (const hop of journey.hops) {
    void hop.closed.then((fault) =>
      finish({
        reason: 'failed',
        fault: fault ?? new Fault('TARGET_DISCONNECTED', 'the target closed the connection'),
        ...exit(),
      }),
    );
  }
  if (context.signal.aborted) onAbort();
  else context.signal.addEventListener('abort', onAbort, { once: true });

  return {
    facts: journey.facts,
    ended: ended.promise,
    input(bytes) {
      if (isOver || !channel.writable) return true;
      pendingInput += bytes.length;
      channel.write(bytes, () => {
        pendingInput -= bytes.length;
        if (!inputWaits || pendingInput > INPUT_LOW) return;
        inputWaits = false;
        onDrain?.();
      });
      inputWaits = pendingInput > INPUT_HIGH;
      return !inputWaits;
    },
    onInputDrained(resume) {
      onDrain = resume;
    },
    control(message) {
      if (!isOver) channel.setWindow(message.rows, message.columns, 0, 0);
    },
    files() {
      if (isOver) return Promise.reject(new Fault('FILES_UNAVAILABLE', 'the session is over'));
      return openFiles(last.client);
    },
    pause: () => output.pause(),
    resume: () => output.resume(),
    async [Symbol.asyncDispose]() {
      terminate(undefined);
      await closeAll();
      await ended.promise;
    },
  };
}
