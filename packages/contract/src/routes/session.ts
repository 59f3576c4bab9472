import { Type } from 'typebox';
import { closed, IdParams, list, Nothing } from '../schema.ts';
import {
  EventsQuery,
  ExportQuery,
  KeyStrokes,
  RecordingDetail,
  RecordingPage,
  RecordingQuery,
  Verification,
} from '../models/recording.ts';
import {
  Session,
  SessionEndRequest,
  SessionOpened,
  SessionPage,
  SessionQuery,
  SessionRequest,
  TicketRequest,
  Tickets,
} from '../models/session.ts';
import {
  AuditExportQuery,
  AuditPage,
  AuditQuery,
  AuditVerification,
  Node,
  SettingChange,
  Settings,
  TryItResult,
} from '../models/system.ts';
import { RECORDING_STREAM_MEDIA_TYPE } from '../recording-stream.ts';
import { routes } from '../route.ts';

const Bytes = Type.String({ format: 'binary' });
const Nodes = closed({ items: list(Node, 1000) });
const EITHER_RECORDING = ['recording.read', 'recording.own'] as const;

export const sessionRoutes = routes({
  openSession: {
    method: 'POST',
    path: '/sessions',
    access: 'machine.use',
    summary: 'Asks for a session with a machine and answers with the tickets of its first viewer.',
    body: SessionRequest,
    response: { 201: SessionOpened },
    audit: ['session.requested'],
  },
  issueTickets: {
    method: 'POST',
    path: '/sessions/:id/tickets',
    access: 'machine.use',
    summary: 'New tickets, to resume the own session or to watch one.',
    params: IdParams,
    body: TicketRequest,
    response: { 201: Tickets },
  },
  listSessions: {
    method: 'GET',
    path: '/sessions',
    access: 'machine.use',
    summary:
      "The own sessions; with `scope=watchable` those of others that one may watch; with `scope=all` and the permission session.manage, everybody's.",
    query: SessionQuery,
    response: { 200: SessionPage },
  },
  getSession: {
    method: 'GET',
    path: '/sessions/:id',
    access: 'machine.use',
    summary: 'One session.',
    params: IdParams,
    response: { 200: Session },
  },
  endSession: {
    method: 'POST',
    path: '/sessions/:id/end',
    access: 'machine.use',
    summary: "Ends the own session; with session.manage anybody's, with a reason that the person is shown.",
    params: IdParams,
    body: SessionEndRequest,
    response: { 204: Nothing },
    audit: ['session.terminated'],
  },
});

export const recordingRoutes = routes({
  listRecordings: {
    method: 'GET',
    path: '/recordings',
    access: EITHER_RECORDING,
    summary: 'The recordings the person may see.',
    query: RecordingQuery,
    response: { 200: RecordingPage },
  },
  getRecording: {
    method: 'GET',
    path: '/recordings/:id',
    access: EITHER_RECORDING,
    summary: 'One recording, with the times of its chunks.',
    params: IdParams,
    response: { 200: RecordingDetail },
  },
  verifyRecording: {
    method: 'POST',
    path: '/recordings/:id/verify',
    access: EITHER_RECORDING,
    summary: 'Checks chain, signatures and manifest of a recording.',
    params: IdParams,
    response: { 200: Verification },
    audit: ['recording.verified'],
  },
  streamRecording: {
    method: 'GET',
    path: '/recordings/:id/events',
    access: EITHER_RECORDING,
    summary: 'The decoded events from a chunk on, framed as recording-stream.ts says.',
    params: IdParams,
    query: EventsQuery,
    response: { 200: Bytes },
    stream: RECORDING_STREAM_MEDIA_TYPE,
    audit: ['recording.viewed'],
  },
  listKeyStrokes: {
    method: 'GET',
    path: '/recordings/:id/keys',
    access: 'recording.keys',
    summary: 'What was typed on a desktop, opened with the recording’s input key.',
    params: IdParams,
    response: { 200: KeyStrokes },
    audit: ['recording.keys-viewed'],
  },
  downloadRecording: {
    method: 'GET',
    path: '/recordings/:id/download',
    access: 'recording.read',
    summary: 'The sealed objects as a tar archive, for `enchilada verify`.',
    params: IdParams,
    response: { 200: Bytes },
    stream: 'application/x-tar',
    audit: ['recording.downloaded'],
  },
  exportRecording: {
    method: 'GET',
    path: '/recordings/:id/export',
    access: 'recording.read',
    summary:
      "The recording in clear: a terminal's as asciicast v2 or plain text, a desktop's as what the controlling viewers' decoder was sent, any as events framed as recording-stream.ts says.",
    params: IdParams,
    query: ExportQuery,
    response: { 200: Bytes },
    stream: 'application/octet-stream',
    audit: ['recording.exported'],
  },
});

export const systemRoutes = routes({
  listAudit: {
    method: 'GET',
    path: '/audit',
    access: 'audit.read',
    summary: 'The audit log, filtered and in pages.',
    query: AuditQuery,
    response: { 200: AuditPage },
  },
  exportAudit: {
    method: 'GET',
    path: '/audit/export',
    access: 'audit.read',
    summary: 'The filtered audit log as CSV or JSON lines, oldest first.',
    query: AuditExportQuery,
    response: { 200: Bytes },
    stream: 'application/octet-stream',
    audit: ['audit.exported'],
  },
  verifyAudit: {
    method: 'POST',
    path: '/audit/verify',
    access: 'audit.read',
    summary: 'Recomputes every hash chain of the audit log.',
    response: { 200: AuditVerification },
    audit: ['audit.verified'],
  },
  getSettings: {
    method: 'GET',
    path: '/settings',
    access: 'settings.read',
    summary: 'The settings, which of them the configuration file fixes, and every weakening in force.',
    response: { 200: Settings },
  },
  setSettings: {
    method: 'PUT',
    path: '/settings',
    access: 'settings.write',
    summary: 'Changes the settings that are named.',
    body: SettingChange,
    response: { 200: Settings },
    audit: ['settings.updated'],
  },
  createTryIt: {
    method: 'POST',
    path: '/try-it',
    access: 'catalog.write',
    summary: 'Makes the built-in throw-away machine and a grant on it for the caller.',
    response: { 201: TryItResult },
    audit: ['target.created', 'grant.created'],
  },
  listNodes: {
    method: 'GET',
    path: '/nodes',
    access: 'settings.read',
    summary: "The gateway's nodes.",
    response: { 200: Nodes },
  },
});
