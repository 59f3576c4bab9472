import { viewOf } from './wire.ts';

/** https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst#extended-clipboard-pseudo-encoding */
export const ACTION = {
  caps: 1 << 24,
  request: 1 << 25,
  peek: 1 << 26,
  notify: 1 << 27,
  provide: 1 << 28,
} as const;

/** Formats are a bit each; text is the only one that browsers' viewers have. */
const FORMAT_TEXT = 1;
const MOST_FORMATS = 16;

export type CutText =
  /** Latin-1 text (RFC 6143 section 7.5.6). */
  | { readonly kind: 'plain'; readonly text: Uint8Array }
  /** `data` is zlib-compressed where the action is `provide`. */
  | {
      readonly kind: 'extended';
      readonly actions: number;
      readonly formats: number;
      readonly data: Uint8Array;
    };

/** What stands behind the 8 bytes of the message's head. A negative length says that the message is of the extended kind. */
export function parseCutText(length: number, body: Uint8Array): CutText | undefined {
  if (length >= 0) return { kind: 'plain', text: body };
  if (body.length < 4) return undefined;
  const flags = viewOf(body).getUint32(0);
  const actions = flags & 0x1f00_0000;
  // A message of capabilities names every action that its sender knows, and does none of them.
  return {
    kind: 'extended',
    actions: (actions & ACTION.caps) === 0 ? actions : ACTION.caps,
    formats: flags & 0xffff,
    data: body.subarray(4),
  };
}

/** Whether the message brings content to the other side, or announces some; caps and requests flow the other way round. */
export function carriesText(message: CutText): boolean {
  return message.kind === 'plain' || (message.actions & (ACTION.notify | ACTION.provide)) !== 0;
}

/** Whether there is text in what the message brings or announces: a viewer that has none answers a look with an announcement of nothing. */
export function isAboutText(message: CutText): boolean {
  return message.kind === 'plain' ? message.text.length > 0 : (message.formats & FORMAT_TEXT) !== 0;
}

/** Whether the message holds what it says and no more: content of text alone, which is noted, or words without content. Nothing else passes, for nobody. */
export function isOfText(message: CutText): boolean {
  if (message.kind === 'plain') return true;
  const { actions, formats, data } = message;
  switch (actions) {
    case ACTION.provide:
      return formats === FORMAT_TEXT;
    case ACTION.caps:
      return data.length <= 4 * MOST_FORMATS;
    case ACTION.request:
    case ACTION.peek:
    case ACTION.notify:
      return data.length === 0;
    default:
      return false;
  }
}
