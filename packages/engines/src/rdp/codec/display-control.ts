import type { DynamicChannels } from './dynamic-channels.ts';
import { DOMAIN, sendData } from './mcs.ts';
import { CHANNEL, type RdpState } from './rdp-state.ts';
import type { Size } from './settings.ts';

/**
 * What a decoder must hear before its desktop is activated anew with a size that it does not have: display control, by which alone IronRDP learns of another
 * size. Nothing where it has that, or needs it not.
 */
export function displayControlFor(state: RdpState, dynamic: DynamicChannels, next: Size): readonly Uint8Array[] {
  const { size, user, channels } = state;
  const isSame = size?.width === next.width && size.height === next.height;
  const channel = channels.find(({ name }) => name === CHANNEL.dynamic)?.id;
  if (isSame || channel === undefined || dynamic.hasDisplayControl) return [];
  return dynamic
    .offerDisplayControl()
    .map((data) => sendData({ choice: DOMAIN.sendDataIndication, initiator: user, channel, data }));
}
