import { joinNeighbours, readU16, readU32, violation } from './bytes.ts';
import { CHANNEL, type RdpState } from './rdp-state.ts';
import type { ClipboardChannel } from './clipboard.ts';
import { displayControlFor } from './display-control.ts';
import type { DynamicChannels } from './dynamic-channels.ts';
import { errorInfo, type ErrorInfo } from './error-info.ts';
import { Drawings, bitmapAreas, type Drawing } from './drawings.ts';
import { endedFrames, fastPathUpdates, isWholeBitmap, widenBitmaps } from './fast-path.ts';
import { DOMAIN, attachedUser, domainChoice, parseSendData, sendData, tpduBody, type SendData } from './mcs.ts';
import { PduFramer } from './pdu-framer.ts';
import { connectResponse, isSane, parseConnectResponse } from './settings.ts';
import { DATA, SHARE, deactivateAll, demandedSize, parseShare, tellKeyboard, type SharePdu } from './share.ts';

/** Pictures wait while a decoder is activated; a target that sends this much without having been confirmed is none. */
const MOST_HELD_BYTES = 4 * 1024 * 1024;
export const MOST_MESSAGE_BYTES = 192 * 1024;
/** updateType of a slow-path bitmap update. [MS-RDPBCGR] 2.2.9.1.1.3.1.2 */
const BITMAP = 1;
/** Channels that the target was not told of get numbers from here on. */
const FIRST_UNUSED = 64_000;

export interface TargetListener {
  /** One message for the viewers' decoders. */
  pass(message: Uint8Array): void;
  /** One that only the person in control may have. */
  passToDriver(message: Uint8Array): void;
  /** A message of a dynamic channel that is passed on; decoders that come later need all of them. */
  dynamic(message: Uint8Array): void;
  /** Bytes for the target. */
  answer(bytes: Uint8Array): void;
  /** A decoder begins anew with the message that is passed next. */
  activating(): void;
  /** The decoder was told that the desktop is there. */
  activated(): void;
  error(info: ErrorInfo): void;
  framesEnded(frames: readonly number[]): void;
  /** What the updates of a PDU of so many bytes draw. */
  drawn(drawings: readonly Drawing[], bytes: number): void;
}

interface Shown {
  readonly pdu: Uint8Array;
  readonly drawings: readonly Drawing[];
}

const NOTHING_DRAWN: readonly Drawing[] = [];

/**
 * What a target sends, as a viewer's decoder takes it. Channels that policy names not are not heard of, and each quirk of a server that the
 * decoder stumbles over is straightened here.
 */
export class TargetMessages {
  readonly #state: RdpState;
  readonly #dynamic: DynamicChannels;
  readonly #clipboard: ClipboardChannel;
  readonly #listener: TargetListener;
  readonly #framer = new PduFramer(violation);
  readonly #drawings = new Drawings();
  #phase: 'connecting' | 'activating' | 'active' = 'connecting';
  #isConnected = false;
  /** Deactivate All, until its Demand Active is there. */
  #deactivation: Uint8Array | undefined;
  readonly #held: Shown[] = [];
  readonly #heldForDriver: Uint8Array[] = [];
  #heldBytes = 0;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #batchKind: 'shown' | 'private' = 'shown';

  constructor(
    state: RdpState,
    policy: { readonly clipboard: ClipboardChannel; readonly dynamic: DynamicChannels },
    listener: TargetListener,
  ) {
    this.#state = state;
    this.#dynamic = policy.dynamic;
    this.#listener = listener;
    this.#clipboard = policy.clipboard;
  }

  /** An update has begun and is not whole. */
  get isWithinUpdate(): boolean {
    return this.#drawings.isWithinUpdate;
  }

  /** @throws Fault TARGET_PROTOCOL_VIOLATION, TARGET_DISCONNECTED */
  push(...chunks: readonly Uint8Array[]): void {
    for (const pdu of this.#framer.push(...chunks)) this.#take(pdu);
    this.#flush();
  }

  #take(pdu: Uint8Array): void {
    if (pdu[0] !== 3) {
      this.#fastPath(pdu);
      return;
    }
    const body = tpduBody(pdu);
    if (body === undefined) throw violation('an X.224 PDU that is no data');
    if (!this.#isConnected) {
      this.#isConnected = true;
      this.#alone(this.#connected(pdu));
      return;
    }
    switch (domainChoice(body)) {
      case DOMAIN.attachUserConfirm: {
        const user = attachedUser(body);
        if (user === undefined) throw violation('it attaches no user');
        this.#state.user = user;
        this.#alone(pdu);
        return;
      }
      case DOMAIN.channelJoinConfirm:
      case DOMAIN.disconnectProviderUltimatum:
        this.#alone(pdu);
        return;
      case DOMAIN.sendDataIndication: {
        const sent = parseSendData(body);
        if (sent === undefined) throw violation('a Send Data Indication whose length is wrong');
        if (sent.channel === this.#state.io) this.#share(pdu, sent);
        else this.#channel(pdu, sent);
        return;
      }
      default:
        throw violation(`an MCS PDU ${domainChoice(body)}`);
    }
  }

  #connected(pdu: Uint8Array): Uint8Array {
    const settings = parseConnectResponse(pdu);
    const announced = this.#state.channels.filter(({ isAnnounced }) => isAnnounced);
    if (settings.channels.length !== announced.length)
      throw violation(`${settings.channels.length} channels where ${announced.length} were asked for`);
    for (const [index, channel] of announced.entries()) channel.id = settings.channels[index] ?? 0;
    for (const [index, channel] of this.#state.channels.entries())
      if (!channel.isAnnounced) channel.id = FIRST_UNUSED + index;
    this.#state.io = settings.io;
    const channels = this.#state.channels.map(({ id }) => id);
    return connectResponse({ ...settings, channels }, this.#state.requestedProtocols);
  }

  #channel(pdu: Uint8Array, sent: SendData): void {
    const channel = this.#state.channels.find(({ id, isAnnounced }) => isAnnounced && id === sent.channel);
    switch (channel?.name) {
      case CHANNEL.clipboard: {
        const { onwards, back } = this.#clipboard.fromTarget(sent.data);
        for (const data of onwards) this.#private(data === sent.data ? pdu : sendData({ ...sent, data }));
        for (const data of back) this.#answer(sent.channel, data);
        return;
      }
      case CHANNEL.dynamic: {
        const { onwards, back } = this.#dynamic.fromTarget(sent.data);
        if (onwards !== undefined) {
          this.#show(pdu);
          this.#listener.dynamic(pdu);
        }
        if (back !== undefined) this.#answer(sent.channel, back);
        return;
      }
      default:
    }
  }

  #answer(channel: number, data: Uint8Array): void {
    this.#listener.answer(sendData({ choice: DOMAIN.sendDataRequest, initiator: this.#state.user, channel, data }));
  }

  #share(pdu: Uint8Array, sent: SendData): void {
    const share = parseShare(sent.data);
    if (share === undefined) {
      // Licences come with a security header, and before the desktop.
      if (this.#phase === 'connecting') this.#alone(pdu);
      return;
    }
    switch (share.type) {
      case SHARE.demandActive:
        this.#demanded(pdu, sent.data, share);
        return;
      case SHARE.deactivateAll:
        this.#phase = 'activating';
        this.#flush();
        // xrdp 0.9 sends one of six bytes; IronRDP takes whole ones only.
        this.#deactivation =
          sent.data.length >= 13
            ? pdu
            : sendData({ ...sent, data: deactivateAll(this.#state.share.shareId, share.source) });
        return;
      case SHARE.redirection:
        throw violation('it sends the person on to another machine, which only a person may open');
      case SHARE.data:
        this.#data(pdu, share);
        return;
      default:
        throw violation(`a share PDU of type ${share.type}`);
    }
  }

  #demanded(pdu: Uint8Array, bytes: Uint8Array, share: SharePdu): void {
    const size = demandedSize(bytes);
    if (size === undefined || !isSane(size))
      throw violation(size === undefined ? 'a desktop without a size' : `a desktop of ${size.width} × ${size.height}`);
    tellKeyboard(bytes, this.#state.keyboard);
    if (this.#deactivation !== undefined)
      for (const message of displayControlFor(this.#state, this.#dynamic, size)) {
        this.#alone(message);
        this.#listener.dynamic(message);
      }
    this.#state.size = size;
    this.#state.share = { source: this.#state.user, shareId: share.shareId };
    this.#phase = 'activating';
    this.#flush();
    this.#listener.activating();
    // A decoder needs the new size when it hears that the old one is over: both go out together.
    if (this.#deactivation !== undefined) this.#listener.pass(this.#deactivation);
    this.#deactivation = undefined;
    this.#listener.pass(pdu);
  }

  #data(pdu: Uint8Array, { data }: SharePdu): void {
    if (data === undefined) throw violation('a data PDU that ends early');
    if (data.isCompressed) throw violation('a compressed PDU, which was not agreed on');
    switch (data.type) {
      case DATA.saveSessionInfo:
        // Name and domain of the account, and a cookie that signs in again: none of a viewer's business.
        return;
      case DATA.errorInfo: {
        const info = errorInfo(readU32(data.body, 0));
        if (info !== undefined) this.#listener.error(info);
        this.#alone(pdu);
        return;
      }
      case DATA.fontMap: {
        if (this.#phase !== 'activating') return;
        // IronRDP loses what shares a message with the Font Map.
        this.#alone(pdu);
        this.#listener.activated();
        this.#phase = 'active';
        this.#heldBytes = 0;
        for (const { pdu: one, drawings } of this.#held.splice(0)) this.#show(one, drawings);
        for (const one of this.#heldForDriver.splice(0)) this.#private(one);
        return;
      }
      case DATA.synchronize:
      case DATA.control:
        if (this.#phase === 'activating') this.#alone(pdu);
        else this.#show(pdu);
        return;
      case DATA.update:
        if (readU16(data.body, 0) === BITMAP && this.#state.size !== undefined) {
          widenBitmaps(data.body, this.#state.size.width);
          this.#show(pdu, [{ areas: bitmapAreas(data.body), isCodecStart: false }]);
        } else this.#show(pdu);
        return;
      default:
        this.#show(pdu);
    }
  }

  #fastPath(pdu: Uint8Array): void {
    const updates = fastPathUpdates(pdu);
    if (updates === undefined) throw violation('a fast-path PDU whose updates do not fit into it');
    const ended: number[] = [];
    const drawings: Drawing[] = [];
    for (const update of updates) {
      if (update.isCompressed) throw violation('a compressed update, which was not agreed on');
      if (isWholeBitmap(update) && this.#state.size !== undefined) widenBitmaps(update.body, this.#state.size.width);
      ended.push(...endedFrames(update));
      drawings.push(this.#drawings.push(update));
    }
    this.#show(pdu, drawings);
    if (ended.length > 0) this.#listener.framesEnded(ended);
  }

  /** For the decoder that drives alone. One that is not there yet hears of the clipboard when it is. */
  #private(pdu: Uint8Array): void {
    if (this.#phase !== 'active') {
      this.#heldForDriver.push(this.#heldBack(pdu));
      return;
    }
    this.#batched(pdu, 'private');
  }

  #heldBack(pdu: Uint8Array): Uint8Array {
    this.#heldBytes += pdu.length;
    if (this.#heldBytes > MOST_HELD_BYTES) throw violation('pictures for a desktop that is not there yet');
    return pdu;
  }

  /** In a message of its own, at once. */
  #alone(pdu: Uint8Array): void {
    this.#flush();
    this.#listener.pass(pdu);
  }

  /** With what comes along with it; between Deactivate All or Demand Active and Font Map it waits. */
  #show(pdu: Uint8Array, drawings = NOTHING_DRAWN): void {
    if (this.#phase !== 'active') {
      this.#held.push({ pdu: this.#heldBack(pdu), drawings });
      return;
    }
    if (drawings.length > 0) this.#listener.drawn(drawings, pdu.length);
    this.#batched(pdu, 'shown');
  }

  #batched(pdu: Uint8Array, kind: 'shown' | 'private'): void {
    if (this.#batchKind !== kind || this.#batchBytes + pdu.length > MOST_MESSAGE_BYTES) this.#flush();
    this.#batchKind = kind;
    this.#batch.push(pdu);
    this.#batchBytes += pdu.length;
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    const message = joinNeighbours(batch);
    if (this.#batchKind === 'shown') this.#listener.pass(message);
    else this.#listener.passToDriver(message);
  }
}
