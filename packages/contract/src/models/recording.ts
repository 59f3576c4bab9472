import { VERIFY_CODES, type VerifyCode } from '@enchilada/core/recording';
import { Type, type Static } from 'typebox';
import { closed, Count, Cursor, Id, Limit, list, text, Time, words } from '../schema.ts';

export const DESKTOP_INPUT = ['off', 'pointer', 'keys'] as const;

export const Recording = closed({
  id: Id,
  sessionId: Id,
  user: closed({ id: Id, username: text(200) }),
  target: closed({ id: Id, name: text(200) }),
  protocol: text(40),
  surface: text(40),
  nodeId: text(100),
  state: words(['recording', 'complete', 'incomplete', 'gapped', 'retired']),
  startedAt: Time,
  endedAt: Type.Optional(Time),
  durationMs: Count,
  storedBytes: Count,
  chunks: Count,
  endReason: Type.Optional(text(200)),
});
export type Recording = Static<typeof Recording>;

/** With what the player needs: where each chunk begins, in microseconds, index 0 is chunk 1. */
export const RecordingDetail = closed({
  recording: Recording,
  chunkTimesUs: list(Count, 10_000_000),
  policy: closed({
    strict: Type.Boolean(),
    input: words(['off', 'length', 'echoed']),
    desktopInput: words(DESKTOP_INPUT),
  }),
  address: text(64),
  softwareVersion: text(40),
});
export type RecordingDetail = Static<typeof RecordingDetail>;

/** What was typed on a desktop: a scan code of set 1, a UTF-16 unit or an X keysym, and when it went down or up. */
export const KeyStrokes = closed({
  items: list(
    closed({
      atMs: Count,
      code: words(['scancode', 'character', 'keysym']),
      value: Count,
      isDown: Type.Boolean(),
    }),
    200_000,
  ),
  /** There are more than one answer holds; these are the first. */
  isCut: Type.Boolean(),
});
export type KeyStrokes = Static<typeof KeyStrokes>;

export const RecordingQuery = closed({
  text: Type.Optional(text(200)),
  userId: Type.Optional(Id),
  targetId: Type.Optional(Id),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const RecordingPage = closed({ items: list(Recording, 500), next: Type.Optional(Cursor) });
export const EventsQuery = closed({ fromChunk: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000_000 })) });
export const ExportQuery = closed({ format: words(['asciicast', 'text', 'events', 'surface']) });

const Code = Type.Unsafe<VerifyCode>({ type: 'integer', enum: [...VERIFY_CODES] });
export const Verification = closed({
  recording: Id,
  code: Code,
  findings: list(
    closed({
      code: Code,
      message: Type.String({ maxLength: 2000 }),
      chunk: Type.Optional(Count),
      object: Type.Optional(text(300)),
      fromUs: Type.Optional(Count),
      toUs: Type.Optional(Count),
    }),
    100_000,
  ),
  chunks: Count,
  bytes: Count,
  durationUs: Count,
});
export type Verification = Static<typeof Verification>;
