import { invalid, joinBytes, readU16 } from './bytes.ts';
import { SECURITY } from './client-info.ts';
import type { ClipboardChannel } from './clipboard.ts';
import type { DynamicChannels } from './dynamic-channels.ts';
import { inputEvents, slowInputEvents, type InputEvent } from './fast-path.ts';
import {
  DOMAIN,
  channelJoinConfirm,
  domainChoice,
  joinedChannel,
  parseSendData,
  sendData,
  tpduBody,
  type SendData,
} from './mcs.ts';
import { PduFramer } from './pdu-framer.ts';
import { CHANNEL, type RdpState } from './rdp-state.ts';
import { parseConnectInitial, type ViewerWishes } from './settings.ts';
import { DATA, SHARE, parseShare } from './share.ts';

export interface ViewerPolicy {
  /** Keys and pointer reach the machine. */
  readonly control: boolean;
  readonly clipboard: ClipboardChannel;
  readonly dynamic: DynamicChannels;
}

export interface ViewerListener {
  /** The first message of MCS: answers with what the target gets in its place. */
  begin(wishes: ViewerWishes): Uint8Array;
  /** The Client Info that the target gets in place of the viewer's. */
  signOn(): Uint8Array;
  /** Bytes for the viewer's own decoder. */
  answer(bytes: Uint8Array): void;
  /** What a person did, and the target gets. */
  did(events: readonly InputEvent[]): void;
  /** Bytes for the viewer's own decoder, which nobody else hears of. */
  aside(bytes: Uint8Array): void;
}

/** Data PDUs that carry nothing of a person. Input has a rule of its own. */
const PERMITTED = new Set<number>([
  DATA.synchronize,
  DATA.control,
  DATA.fontList,
  DATA.refreshRect,
  DATA.suppressOutput,
  DATA.frameAcknowledge,
]);

/** What a viewer's decoder sends behind its RDCleanPath request, as far as the target may have it. */
export class ViewerMessages {
  readonly #state: RdpState;
  readonly #policy: ViewerPolicy;
  readonly #listener: ViewerListener;
  readonly #framer = new PduFramer(invalid);
  #hasConfirmed = false;
  #phase: 'initial' | 'joining' | 'signed-on' = 'initial';

  constructor(state: RdpState, policy: ViewerPolicy, listener: ViewerListener) {
    this.#state = state;
    this.#policy = policy;
    this.#listener = listener;
  }

  /** What goes to the target. @throws Fault PROTOCOL_MESSAGE_INVALID */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    return this.#framer.push(bytes).flatMap((pdu) => {
      const onwards = this.#take(pdu);
      return onwards === undefined ? [] : [onwards];
    });
  }

  #take(pdu: Uint8Array): Uint8Array | undefined {
    if (this.#phase === 'initial') {
      this.#phase = 'joining';
      return this.#listener.begin(parseConnectInitial(pdu));
    }
    if (pdu[0] !== 3) return this.#fastPath(pdu);
    const body = tpduBody(pdu);
    if (body === undefined) throw invalid('an X.224 PDU that is no data');
    switch (domainChoice(body)) {
      case DOMAIN.erectDomainRequest:
      case DOMAIN.attachUserRequest:
        return pdu;
      case DOMAIN.channelJoinRequest:
        return this.#join(pdu, body);
      // The connection outlives its viewer.
      case DOMAIN.disconnectProviderUltimatum:
        return undefined;
      case DOMAIN.sendDataRequest: {
        const sent = parseSendData(body);
        if (sent === undefined || sent.initiator !== this.#state.user)
          throw invalid('a Send Data Request that is not its own, or whose length is wrong');
        return sent.channel === this.#state.io ? this.#share(pdu, sent) : this.#channel(pdu, sent);
      }
      default:
        throw invalid(`an MCS PDU ${domainChoice(body)}`);
    }
  }

  #join(pdu: Uint8Array, body: Uint8Array): Uint8Array | undefined {
    const channel = joinedChannel(body);
    if (channel === this.#state.user || channel === this.#state.io) return pdu;
    const known = this.#state.channels.find(({ id }) => id === channel);
    if (known === undefined) throw invalid(`a channel ${channel ?? 'without a number'}`);
    if (known.isAnnounced) return pdu;
    this.#listener.answer(channelJoinConfirm(this.#state.user, known.id));
    return undefined;
  }

  #fastPath(pdu: Uint8Array): Uint8Array | undefined {
    const events = inputEvents(pdu);
    if (events === undefined) throw invalid('a fast-path PDU that is no input');
    if (!this.#policy.control || this.#phase !== 'signed-on') return undefined;
    if (events.length > 0) this.#listener.did(events);
    return pdu;
  }

  #share(pdu: Uint8Array, sent: SendData): Uint8Array | undefined {
    const { data: bytes } = sent;
    if (this.#phase === 'joining') {
      if ((readU16(bytes, 0) & SECURITY.info) === 0 || readU16(bytes, 2) !== 0)
        throw invalid('something in front of its Client Info');
      this.#phase = 'signed-on';
      return sendData({ ...sent, data: this.#listener.signOn() });
    }
    const share = parseShare(bytes);
    if (share === undefined) {
      // Never one that also says Client Info: a target could take the viewer's for the gateway's.
      const flags = readU16(bytes, 0) & ~SECURITY.licenseEncrypted;
      if (!this.#hasConfirmed && flags === SECURITY.license && readU16(bytes, 2) === 0) return pdu;
      throw invalid('a PDU of no type');
    }
    if (share.type === SHARE.confirmActive) {
      this.#hasConfirmed = true;
      return pdu;
    }
    if (share.data === undefined) throw invalid(`a share PDU of type ${share.type}`);
    if (share.data.type === DATA.frameAcknowledge) this.#state.acknowledgesFrames = true;
    if (PERMITTED.has(share.data.type)) return pdu;
    if (share.data.type !== DATA.input || !this.#policy.control) return undefined;
    this.#listener.did(slowInputEvents(share.data.body));
    return pdu;
  }

  #channel(pdu: Uint8Array, sent: SendData): Uint8Array | undefined {
    const channel = this.#state.channels.find(({ id }) => id === sent.channel);
    if (channel?.isAnnounced !== true && channel?.name !== CHANNEL.clipboard) return undefined;
    switch (channel.name) {
      case CHANNEL.clipboard: {
        const { onwards, back } = this.#policy.clipboard.fromViewer(sent.data);
        // Denied both ways the machine has no such channel; what is tried on it is told of all the same.
        if (!channel.isAnnounced) return undefined;
        if (back.length > 0) {
          const choice = DOMAIN.sendDataIndication;
          this.#listener.aside(joinBytes(...back.map((data) => sendData({ ...sent, choice, data }))));
        }
        if (onwards.length === 0) return undefined;
        return joinBytes(...onwards.map((data) => (data === sent.data ? pdu : sendData({ ...sent, data }))));
      }
      case CHANNEL.dynamic:
        return this.#policy.dynamic.fromViewer(sent.data).onwards === undefined ? undefined : pdu;
      default:
        return undefined;
    }
  }
}
