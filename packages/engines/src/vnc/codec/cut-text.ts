import { viewOf } from './wire.ts';

/** https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst#extended-clipboard-pseudo-encoding */
export const ACTION = {
  caps: 1 << 24,
  request: 1 << 25,
  peek: 1 << 26,
  notify: 1 << 27,
  provide: 1 << 28,
} as const;

export type CutText =
  /** Latin-1 text (RFC 6143 section 7.5.6). */
  | { readonly kind: 'plain'; readonly text: Uint8Array }
  /** `data` is zlib-compressed where the action is `provide`. */
  | { readonly kind: 'extended'; readonly actions: number; readonly data: Uint8Array };

/** What stands behind the 8 bytes of the message's head. A negative length says that the message is of the extended kind. */
export function parseCutText(length: number, body: Uint8Array): CutText | undefined {
  if (length >= 0) return { kind: 'plain', text: body };
  if (body.length < 4) return undefined;
  const actions = viewOf(body).getUint32(0) & 0x1f00_0000;
  // A message of capabilities names every action that its sender knows, and does none of them.
  return {
    kind: 'extended',
    actions: (actions & ACTION.caps) === 0 ? actions : ACTION.caps,
    data: body.subarray(4),
  };
}

/** Whether the message brings content to the other side, or announces some; caps and requests flow the other way round. */
export function carriesText(message: CutText): boolean {
  return message.kind === 'plain' || (message.actions & (ACTION.notify | ACTION.provide)) !== 0;
}
