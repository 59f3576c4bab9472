import { escapeJsonText } from '@enchilada/core/text';
import { type DestinationStream, type Logger, pino } from 'pino';

/** INVARIANT: a log line holds these fields and no other; what a caller adds beside them is dropped (T33, T04). */
const ALLOWED = new Set([
  'reference',
  'code',
  'err',
  'method',
  'route',
  'status',
  'ms',
  'address',
  'userId',
  'sessionId',
  'recordingId',
  'targetId',
  'nodeId',
  'port',
  'url',
  'signal',
  'count',
  'weakening',
  'action',
  'outcome',
  'confinement',
  'file',
  'level',
  'version',
  'cause',
]);

interface LoggedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

function describeError(value: unknown, depth = 0): LoggedError {
  if (!(value instanceof Error)) return { name: 'NotAnError', message: typeof value };
  const code = 'code' in value && typeof value.code === 'string' ? { code: value.code } : {};
  return {
    name: value.name,
    message: value.message.slice(0, 2000),
    ...code,
    ...(value.stack === undefined ? {} : { stack: value.stack.slice(0, 8000) }),
    ...(value.cause === undefined || depth >= 4 ? {} : { cause: describeError(value.cause, depth + 1) }),
  };
}

/** INVARIANT: a line of the log moves no cursor and reads in one direction, whatever a machine or a name said (T28). */
function escaped(destination: DestinationStream): DestinationStream {
  return { write: (line) => destination.write(`${escapeJsonText(line.trimEnd())}\n`) };
}

export function createLog(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (value: unknown) => describeError(value), req: () => undefined, res: () => undefined },
      formatters: {
        level: (label) => ({ level: label }),
        bindings: () => ({}),
        log: (fields) => Object.fromEntries(Object.entries(fields).filter(([name]) => ALLOWED.has(name))),
      },
    },
    escaped(destination),
  );
}
