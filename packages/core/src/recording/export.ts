import type { RecordingDescription, TimedRecordingEvent } from './recorder.ts';

/**
 * asciicast v2, one line an item. https://docs.asciinema.org/manual/asciicast/v2/
 * Bytes that are no UTF-8 become U+FFFD, since the format holds text; the recording itself keeps them.
 */
export async function* toAsciicast(
  description: RecordingDescription,
  events: AsyncIterable<TimedRecordingEvent>,
): AsyncGenerator<string> {
  const output = new TextDecoder();
  const input = new TextDecoder();
  let header = false;
  // Nothing is printed before the first size is known, or the first output shows that none comes.
  for await (const { atUs, event } of events) {
    if (!header) {
      const size = event.kind === 'resize' ? event : { columns: 80, rows: 24 };
      if (event.kind !== 'resize' && event.kind !== 'output' && event.kind !== 'input') continue;
      const { startedAt, target } = description;
      yield `${JSON.stringify({ version: 2, width: size.columns, height: size.rows, timestamp: Math.floor(startedAt / 1000), title: target.name })}\n`;
      header = true;
      if (event.kind === 'resize') continue;
    }
    const item = asciicastItem(event, { output, input });
    if (item !== undefined) yield `${JSON.stringify([atUs / 1e6, ...item])}\n`;
  }
  if (!header)
    yield `${JSON.stringify({ version: 2, width: 80, height: 24, timestamp: Math.floor(description.startedAt / 1000), title: description.target.name })}\n`;
}

function asciicastItem(
  event: TimedRecordingEvent['event'],
  decoders: { output: TextDecoder; input: TextDecoder },
): [code: string, data: string] | undefined {
  switch (event.kind) {
    case 'output':
      return ['o', decoders.output.decode(event.bytes, { stream: true })];
    case 'input':
      return ['i', decoders.input.decode(event.bytes, { stream: true })];
    case 'resize':
      return ['r', `${event.columns}x${event.rows}`];
    case 'marker':
      return ['m', event.text];
    case 'gap':
      return ['m', `gap of ${event.bytes} bytes: ${event.reason}`];
    case 'input-length':
    case 'join':
    case 'leave':
    case 'file':
    case 'clipboard':
    case 'segment':
    case 'preamble':
    case 'key-frame':
    case 'pointer':
    case 'sealed-keys':
      return undefined;
  }
}

/** The output as text, escape sequences and control characters but tab and newline left out; for searching and reading, not for replay. */
export async function* toPlainText(events: AsyncIterable<TimedRecordingEvent>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const stripper = new EscapeStripper();
  for await (const { event } of events) {
    if (event.kind !== 'output') continue;
    const text = stripper.strip(decoder.decode(event.bytes, { stream: true }));
    if (text !== '') yield text;
  }
  const rest = stripper.strip(decoder.decode());
  if (rest !== '') yield rest;
}

/** What the controlling viewers' decoder was sent, one stream behind the other, as it was: for programs that read the surface's own protocol. */
export async function* toSurfaceDump(events: AsyncIterable<TimedRecordingEvent>): AsyncGenerator<Uint8Array> {
  let channel: number | undefined = 0;
  for await (const { event } of events) {
    if (event.kind === 'segment' && event.mode === 'control') channel = event.channel;
    if (event.kind === 'output' && (event.channel ?? 0) === channel) yield event.bytes;
  }
}

type StripState = 'text' | 'escape' | 'intermediate' | 'csi' | 'string' | 'string-escape';

/** The states of a VT parser that matter for leaving sequences out; they may be split anywhere. https://vt100.net/emu/dec_ansi_parser */
export class EscapeStripper {
  #state: StripState = 'text';

  strip(text: string): string {
    let out = '';
    for (const character of text) {
      const code = character.codePointAt(0) ?? 0;
      const before = this.#state;
      this.#state = nextState(before, code);
      const printable =
        code === 0x09 || code === 0x0a || (code >= 0x20 && code !== 0x7f && (code < 0x80 || code > 0x9f));
      // A newline inside a control sequence is executed, not part of it.
      if (
        printable &&
        (before === 'text'
          ? this.#state === 'text'
          : code === 0x0a && before !== 'string' && before !== 'string-escape')
      )
        out += character;
    }
    return out;
  }
}

function nextState(state: StripState, code: number): StripState {
  if (code === 0x18 || code === 0x1a) return 'text'; // CAN, SUB
  if (code === 0x1b) return state === 'string' ? 'string-escape' : 'escape';
  if (code === 0x9b) return 'csi';
  if (code === 0x90 || code === 0x98 || code === 0x9d || code === 0x9e || code === 0x9f) return 'string';
  switch (state) {
    case 'text':
      return 'text';
    case 'escape':
    case 'string-escape':
      if (code === 0x5b) return 'csi';
      if (code === 0x50 || code === 0x58 || code === 0x5d || code === 0x5e || code === 0x5f) return 'string';
      if (code >= 0x20 && code <= 0x2f) return 'intermediate';
      return code < 0x20 ? state : 'text';
    case 'intermediate':
      return code >= 0x30 && code <= 0x7e ? 'text' : 'intermediate';
    case 'csi':
      return code >= 0x40 && code <= 0x7e ? 'text' : 'csi';
    case 'string':
      return code === 0x07 || code === 0x9c ? 'text' : 'string';
  }
}
