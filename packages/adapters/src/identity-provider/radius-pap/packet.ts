import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** RFC 2865 section 4, with the attributes of section 5 that are spoken here. */
export const CODE = { accessRequest: 1, accessAccept: 2, accessReject: 3, accessChallenge: 11 } as const;
export const ATTRIBUTE = {
  userName: 1,
  userPassword: 2,
  serviceType: 6,
  filterId: 11,
  replyMessage: 18,
  state: 24,
  class: 25,
  vendorSpecific: 26,
  callingStationId: 31,
  nasIdentifier: 32,
  nasPortType: 61,
  prompt: 76,
  messageAuthenticator: 80,
} as const;

const HEADER = 1 /* code */ + 1 /* identifier */ + 2 /* length */ + 16; /* authenticator */
const LONGEST = 4_096;
const BLOCK = 16;
const PASSWORD_MAX = 128;
const VALUE_MAX = 253;

export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** What ties a reply to what was asked. */
export interface RequestKey {
  readonly identifier: number;
  /** INVARIANT: sixteen octets of chance, for each request its own: the password is hidden under them. */
  readonly authenticator: Uint8Array;
  readonly secret: Uint8Array;
}

export interface Reply {
  readonly code: number;
  readonly attributes: readonly Attribute[];
}

/** An Access-Request. The Message-Authenticator stands first, as RFC 5080 section 2.2.2 and the answer to CVE-2024-3596 want it. */
export function encodeRequest(key: RequestKey, attributes: readonly Attribute[]): Buffer {
  const body = [{ type: ATTRIBUTE.messageAuthenticator, value: new Uint8Array(BLOCK) }, ...attributes].map(
    ({ type, value }) => {
      if (value.length === 0 || value.length > VALUE_MAX)
        throw new RangeError(`attribute ${type} must hold 1 to ${VALUE_MAX} octets, received ${value.length}`);
      return Buffer.concat([Buffer.from([type, 2 + value.length]), value]);
    },
  );
  const packet = Buffer.concat([Buffer.from([CODE.accessRequest, key.identifier, 0, 0]), key.authenticator, ...body]);
  packet.writeUInt16BE(packet.length, 2);
  createHmac('md5', key.secret)
    .update(packet)
    .digest()
    .copy(packet, HEADER + 2);
  return packet;
}

/** RFC 2865 section 5.2. Undefined for a password that no such attribute can hold. */
export function hidePassword(password: Uint8Array, { secret, authenticator }: RequestKey): Buffer | undefined {
  if (password.length > PASSWORD_MAX) return undefined;
  const hidden = Buffer.alloc(Math.max(BLOCK, Math.ceil(password.length / BLOCK) * BLOCK));
  hidden.set(password);
  let before: Uint8Array = authenticator;
  for (let at = 0; at < hidden.length; at += BLOCK) {
    const pad = createHash('md5').update(secret).update(before).digest();
    for (let octet = 0; octet < BLOCK; octet++) hidden[at + octet] = (hidden[at + octet] ?? 0) ^ (pad[octet] ?? 0);
    before = hidden.subarray(at, at + BLOCK);
  }
  return hidden;
}

/** `stray`: no answer to this request. `unproven`: not made with the secret. `unsigned`: without a Message-Authenticator, and so perhaps forged (CVE-2024-3596). */
export type Unusable = 'stray' | 'unproven' | 'unsigned';

/** INVARIANT: a reply is one only with a valid Response Authenticator and exactly one valid Message-Authenticator (RFC 3579 section 3.2). */
export function readReply(bytes: Uint8Array, key: RequestKey): Reply | Unusable {
  if (bytes.length < HEADER || bytes[1] !== key.identifier) return 'stray';
  const given = Buffer.from(bytes);
  const length = given.readUInt16BE(2);
  if (length < HEADER || length > given.length || length > LONGEST) return 'stray';
  const packet = given.subarray(0, length);
  const attributes = readAttributes(packet);
  if (attributes === undefined) return 'stray';
  const said = Buffer.from(packet.subarray(4, HEADER));
  key.authenticator.forEach((octet, index) => (packet[4 + index] = octet));
  const expected = createHash('md5').update(packet).update(key.secret).digest();
  if (!timingSafeEqual(said, expected)) return 'unproven';
  const signatures = attributes.filter(({ type }) => type === ATTRIBUTE.messageAuthenticator);
  const [signature] = signatures;
  if (signature === undefined) return 'unsigned';
  if (signatures.length !== 1 || signature.value.length !== BLOCK) return 'unproven';
  const signed = Buffer.from(signature.value);
  signature.value.fill(0);
  if (!timingSafeEqual(signed, createHmac('md5', key.secret).update(packet).digest())) return 'unproven';
  return { code: packet[0] ?? 0, attributes };
}

/** Views into the packet. Undefined where the lengths do not add up. */
function readAttributes(packet: Uint8Array): readonly Attribute[] | undefined {
  const attributes: Attribute[] = [];
  let at = HEADER;
  while (at < packet.length) {
    const length = packet[at + 1] ?? 0;
    if (length < 2 || at + length > packet.length) return undefined;
    attributes.push({ type: packet[at] ?? 0, value: packet.subarray(at + 2, at + length) });
    at += length;
  }
  return attributes;
}

/** RFC 2865 section 5.26: the values of one attribute of one vendor, wherever vendors put several into one. */
export function vendorValues(
  attributes: readonly Attribute[],
  wanted: { readonly vendor: number; readonly type: number },
): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const { type, value } of attributes) {
    if (type !== ATTRIBUTE.vendorSpecific || value.length < 4) continue;
    if (Buffer.from(value).readUInt32BE(0) !== wanted.vendor) continue;
    let at = 4;
    while (at + 2 <= value.length) {
      const length = value[at + 1] ?? 0;
      if (length < 2 || at + length > value.length) break;
      if (value[at] === wanted.type) found.push(value.subarray(at + 2, at + length));
      at += length;
    }
  }
  return found;
}
