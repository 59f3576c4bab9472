import type { EngineContext, EngineSession, SessionEnd } from '@enchilada/core/engine';
import { isFault, type Fault } from '@enchilada/core/fault';
import type { TelnetLink } from './telnet-link.ts';

const CR = 13;
const BACKSPACE = 8;
const DELETE = 127;

/** What a terminal shows of typed bytes where the machine does not echo: returns as new lines, deletions, no control characters. */
function localEcho(bytes: Uint8Array): Uint8Array {
  const shown: number[] = [];
  for (const byte of bytes) {
    if (byte === CR) shown.push(CR, 10);
    else if (byte === BACKSPACE || byte === DELETE) shown.push(BACKSPACE, 32, BACKSPACE);
    else if (byte >= 32) shown.push(byte);
  }
  return Uint8Array.from(shown);
}

export interface TelnetSession extends EngineSession {
  /** From the link. */
  closed(fault: Fault | undefined): void;
}

/** The session over a link that has signed in. */
export function createSession(link: TelnetLink, context: EngineContext): TelnetSession {
  const ended = Promise.withResolvers<SessionEnd>();
  let isOver = false;
  const finish = (end: SessionEnd): void => {
    if (isOver) return;
    isOver = true;
    context.signal.removeEventListener('abort', onAbort);
    link.destroy();
    ended.resolve(end);
  };
  const onAbort = (): void => {
    const reason: unknown = context.signal.reason;
    finish({ reason: 'terminated', ...(isFault(reason) ? { fault: reason } : {}) });
  };
  if (context.signal.aborted) onAbort();
  else context.signal.addEventListener('abort', onAbort, { once: true });
  return {
    // Options may still be negotiated later; what is told is what counts for the person.
    facts: { encryption: 'none', ...(link.options === '' ? {} : { options: link.options }) },
    ended: ended.promise,
    input(bytes) {
      if (isOver) return true;
      if (!link.remoteEchoes) {
        const shown = localEcho(bytes);
        if (shown.length > 0) context.sink.output(shown);
      }
      return link.send(bytes);
    },
    onInputDrained: (resume) => link.onDrained(resume),
    control(message) {
      if (!isOver) link.resize({ columns: message.columns, rows: message.rows });
    },
    pause: () => link.pause(),
    resume: () => link.resume(),
    closed: (fault) => finish(fault === undefined ? { reason: 'closed-by-target' } : { reason: 'failed', fault }),
    async [Symbol.asyncDispose]() {
      finish({ reason: 'terminated' });
      await ended.promise;
    },
  };
}
