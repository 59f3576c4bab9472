import {
  RECORDING_STREAM_MEDIA_TYPE,
  type KeyStrokes,
  type Recording as RecordingView,
  RecordingStreamEncoder,
} from '@enchilada/contract';
import type { AuditAction, AuditEvent, AuditObject } from '@enchilada/core/audit';
import { Fault } from '@enchilada/core/fault';
import { type RecordingReader, toAsciicast, toPlainText, toSurfaceDump } from '@enchilada/core/recording';
import type { RecordingRow } from '@enchilada/core/store';
import { eventOf, type Handlers, type SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { tar } from './tar.ts';

type RecordingHandlers = Pick<
  Handlers,
  | 'listRecordings'
  | 'getRecording'
  | 'verifyRecording'
  | 'streamRecording'
  | 'listKeyStrokes'
  | 'downloadRecording'
  | 'exportRecording'
>;

/** Seeking asks for the same recording again and again; that is one viewing. */
const MOST_STROKES = 200_000;
const SAME_VIEWING_MS = 60 * 60_000;

function viewOf(row: RecordingRow): RecordingView {
  return {
    id: row.id,
    sessionId: row.sessionId,
    user: { id: row.userId, username: row.username },
    target: { id: row.targetId, name: row.targetName },
    protocol: row.protocol,
    surface: row.surface,
    nodeId: row.nodeId,
    state: row.state,
    startedAt: row.startedAt,
    ...(row.endedAt === undefined ? {} : { endedAt: row.endedAt }),
    durationMs: row.durationMs,
    storedBytes: row.storedBytes,
    chunks: row.chunks,
    ...(row.endReason === undefined ? {} : { endReason: row.endReason }),
  };
}

async function* frames(events: ReturnType<RecordingReader['events']>): AsyncGenerator<Uint8Array> {
  const encoder = new RecordingStreamEncoder();
  yield encoder.start();
  for await (const timed of events) {
    // Sealed, and of no use to who may not open it.
    if (timed.event.kind === 'sealed-keys') continue;
    const frame = encoder.add(timed);
    if (frame !== undefined) yield frame;
  }
  const last = encoder.flush();
  if (last !== undefined) yield last;
  yield encoder.end();
}

async function* utf8(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield Buffer.from(text);
}

function objectOf({ id, username, targetName }: RecordingRow): AuditObject {
  return { kind: 'recording', id, name: `${username} on ${targetName}` };
}

export function recordingHandlers({ store, audit, settings, recordings, clock }: ApiParts): RecordingHandlers {
  const viewings = new Map<string, number>();

  /** Everybody's with recording.read; the own ones with recording.own where the settings allow it. */
  function reach(context: SignedInContext): 'all' | 'own' | 'none' {
    if (context.permissions.has('recording.read')) return 'all';
    return context.permissions.has('recording.own') && settings.current.ownRecordings ? 'own' : 'none';
  }

  async function find(context: SignedInContext, id: string): Promise<RecordingRow> {
    const row = await store.now.recordings.find(id);
    if (row === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    const mine = reach(context) === 'own' && row.userId === context.identity.user.id;
    return reach(context) === 'all' || mine ? row : context.refuse({ kind: 'recording', id });
  }

  const acted = (context: SignedInContext, action: AuditAction, about: Pick<AuditEvent, 'object' | 'detail'>) =>
    audit.append(eventOf(context, action, about));

  /** INVARIANT: nothing is shown before the audit log holds who looks at it. */
  async function auditViewing(context: SignedInContext, row: RecordingRow): Promise<void> {
    const now = clock.now();
    for (const [key, at] of viewings) if (now - at >= SAME_VIEWING_MS) viewings.delete(key);
    const key = `${context.identity.login.digest} ${row.id}`;
    if (viewings.has(key)) return;
    await acted(context, 'recording.viewed', { object: objectOf(row) });
    viewings.set(key, now);
  }

  return {
    listRecordings: async (context, { query }) => {
      const allowed = reach(context);
      if (allowed === 'none') return { items: [] };
      const page = await store.now.recordings.list({
        ...query,
        limit: query.limit ?? 100,
        ...(allowed === 'own' ? { userId: context.identity.user.id } : {}),
      });
      return { items: page.items.map(viewOf), ...(page.next === undefined ? {} : { next: page.next }) };
    },

    getRecording: async (context, { params }) => {
      const row = await find(context, params.id);
      const listing = await recordings.describe(row.id);
      const { policy, user, softwareVersion } = listing.description;
      return {
        recording: viewOf(row),
        chunkTimesUs: [...listing.chunkTimesUs],
        policy: { ...policy, desktopInput: policy.desktopInput ?? 'off' },
        address: user.address,
        softwareVersion,
      };
    },

    verifyRecording: async (context, { params }) => {
      const row = await find(context, params.id);
      const report = await recordings.verify(row.id);
      await acted(context, 'recording.verified', { object: objectOf(row), detail: { code: report.code } });
      return { ...report, findings: [...report.findings] };
    },

    streamRecording: async (context, { params, query }) => {
      const row = await find(context, params.id);
      await auditViewing(context, row);
      return { bytes: frames(recordings.events(row.id, query)) };
    },

    listKeyStrokes: async (context, { params }) => {
      const row = await find(context, params.id);
      // INVARIANT: nothing is opened before the audit log holds who opens it.
      await acted(context, 'recording.keys-viewed', { object: objectOf(row) });
      const items: KeyStrokes['items'] = [];
      for await (const { atMs, code, value, isDown } of recordings.keyStrokes(row.id)) {
        if (items.length === MOST_STROKES) return { items, isCut: true };
        items.push({ atMs, code, value, isDown });
      }
      return { items, isCut: false };
    },

    downloadRecording: async (context, { params }) => {
      const row = await find(context, params.id);
      await acted(context, 'recording.downloaded', { object: objectOf(row) });
      return { bytes: tar(recordings.objects(row.id), row.startedAt), filename: `${row.id}.tar` };
    },

    exportRecording: async (context, { params, query }) => {
      const row = await find(context, params.id);
      if (query.format === 'events') {
        await acted(context, 'recording.exported', { object: objectOf(row), detail: { format: query.format } });
        return { bytes: frames(recordings.events(row.id)), mediaType: RECORDING_STREAM_MEDIA_TYPE };
      }
      if (query.format === 'surface') {
        await acted(context, 'recording.exported', { object: objectOf(row), detail: { format: query.format } });
        return {
          bytes: toSurfaceDump(recordings.events(row.id)),
          mediaType: 'application/octet-stream',
          filename: `${row.id}.${row.surface}`,
        };
      }
      if (row.surface !== 'terminal')
        throw new Fault(
          'RECORDING_HAS_NO_TEXT',
          'this is the recording of a desktop, which has no text; play it in the browser, or download its sealed objects',
        );
      await acted(context, 'recording.exported', { object: objectOf(row), detail: { format: query.format } });
      const events = recordings.events(row.id);
      if (query.format === 'text')
        return { bytes: utf8(toPlainText(events)), mediaType: 'text/plain; charset=utf-8', filename: `${row.id}.txt` };
      const { description } = await recordings.describe(row.id);
      return {
        bytes: utf8(toAsciicast(description, events)),
        mediaType: 'application/x-asciicast',
        filename: `${row.id}.cast`,
      };
    },
  };
}
