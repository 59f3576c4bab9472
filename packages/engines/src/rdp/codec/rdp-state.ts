import type { Size } from './settings.ts';
import type { ShareOrigin } from './share.ts';

/** Names of static virtual channels. [MS-RDPECLIP] 1.5, [MS-RDPEDYC] 1.5 */
export const CHANNEL = { clipboard: 'cliprdr', dynamic: 'drdynvc' } as const;

export interface StaticChannel {
  readonly name: string;
  /** Whether the target was told of it. */
  readonly isAnnounced: boolean;
  /** Given with the target's Connect Response; one that the target was not told of has one that no target uses. */
  id: number;
}

/** What both directions of one connection know of it. */
export interface RdpState {
  io: number;
  user: number;
  channels: readonly StaticChannel[];
  /** requestedProtocols of the viewer's own Connection Request. */
  requestedProtocols: number;
  /** Of the last Demand Active. */
  size: Size | undefined;
  /** Of the last Demand Active; what a PDU of the gateway's own must say. */
  share: ShareOrigin;
  /** What the machine was told of the person's keyboard, and whether it can be given characters that no key of it has. */
  keyboard: { readonly layout: number; readonly takesCharacters: boolean };
  /** Whether the decoder tells the target which frames it has drawn; the target sends no more than a few that were not. */
  acknowledgesFrames: boolean;
}

export function startingState(): RdpState {
  return {
    io: 1003,
    user: 0,
    channels: [],
    requestedProtocols: 0,
    size: undefined,
    share: { source: 0, shareId: 0 },
    keyboard: { layout: 0, takesCharacters: true },
    acknowledgesFrames: false,
  };
}
