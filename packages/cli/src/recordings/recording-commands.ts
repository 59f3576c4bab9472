import { command, type Outcome, done } from '../frame/command.ts';
import type { Io } from '../frame/io.ts';
import { count, table, when } from '../frame/table.ts';
import { oneOf, period } from '../catalog/assignments.ts';
import { allPages } from '../catalog/find.ts';
import type { HttpResponse } from '../login/http-fetch.ts';
import { filenameOf, pipeRaw, saveStream } from './save-stream.ts';

async function deliver(
  response: HttpResponse,
  io: Io,
  where: { readonly output: string | undefined; readonly otherwise: string },
): Promise<Outcome> {
  if (where.output === '-') {
    await pipeRaw(response, io);
    return { value: undefined, lines: [] };
  }
  const path = where.output ?? filenameOf(response.headers.get('content-disposition'), where.otherwise);
  const bytes = await saveStream(response.body, path);
  return done({ file: path, bytes }, `Wrote ${path} (${count(bytes, 'byte')}).`);
}

function seconds(ms: number): string {
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 3600)}:${String(Math.floor(whole / 60) % 60).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}

export const recordingCommands = [
  command('recordings list', {
    summary: 'List recordings, the newest first.',
    words: ['TEXT?'],
    options: {
      from: { type: 'string', value: 'TIME', says: 'started at this time or later' },
      to: { type: 'string', value: 'TIME', says: 'started before this time' },
    },
    async run({ words: [text], options, client }) {
      const { api } = await client();
      const query = { limit: 500, ...period(options), ...(text === undefined ? {} : { text }) };
      const items = await allPages((cursor) => api.listRecordings({ query: { ...query, ...cursor } }));
      const rows = items.map((one) => [
        one.id,
        when(one.startedAt),
        seconds(one.durationMs),
        one.user.username,
        one.target.name,
        one.state,
        one.storedBytes,
      ]);
      return done({ items }, ...table(['id', 'started', 'length', 'user', 'machine', 'state', 'bytes'], rows));
    },
  }),
  command('recordings download', {
    summary: 'Fetch the sealed objects of a recording as a tar archive, for enchilada verify.',
    words: ['ID'],
    options: { output: { type: 'string', value: 'FILE', says: 'where to; - is standard output' } },
    async run({ io, words: [id = ''], options, client }) {
      const { api } = await client();
      return deliver(await api.downloadRecording({ params: { id } }), io, {
        output: options.output,
        otherwise: `${id}.tar`,
      });
    },
  }),
  command('recordings export', {
    summary: 'Fetch a recording in clear, as asciicast v2 or plain text.',
    words: ['ID'],
    options: {
      format: { type: 'string', value: 'FORMAT', says: 'asciicast or text; asciicast if left out' },
      output: { type: 'string', value: 'FILE', says: 'where to; - is standard output' },
    },
    async run({ io, words: [id = ''], options, client }) {
      const format = oneOf(options.format ?? 'asciicast', 'format', ['asciicast', 'text']);
      const { api } = await client();
      const response = await api.exportRecording({ params: { id }, query: { format } });
      return deliver(response, io, {
        output: options.output,
        otherwise: `${id}.${format === 'text' ? 'txt' : 'cast'}`,
      });
    },
  }),
  command('recordings verify', {
    summary: 'Let the server check chain, signatures and manifest of a recording.',
    words: ['ID'],
    details: [
      'The exit code is that of enchilada verify: 0 complete, 10 valid but incomplete, 20 to 40 damaged. An auditor downloads the recording and uses enchilada verify instead, which trusts no server.',
    ],
    async run({ words: [id = ''], client }) {
      const { api } = await client();
      const report = await api.verifyRecording({ params: { id } });
      const head = `${report.recording}: ${report.code === 0 ? 'complete and unaltered' : `code ${report.code}`} (${count(report.chunks, 'chunk')}, ${count(report.bytes, 'byte')})`;
      const lines = report.findings.map(
        ({ code, chunk, object, message }) =>
          `  ${code}${chunk === undefined ? '' : ` chunk ${chunk}`}${object === undefined ? '' : ` ${object}`}: ${message}`,
      );
      return { value: report, lines: [head, ...lines], exitCode: report.code };
    },
  }),
];
