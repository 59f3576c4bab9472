import {
  der,
  derChildren,
  derInner,
  derNumber,
  explicit,
  integer,
  octets,
  readDer,
  sequence,
  utf8String,
} from './der.ts';

/** https://github.com/Devolutions/IronRDP/blob/master/crates/ironrdp-rdcleanpath/src/lib.rs */
const VERSION = 3390;

export interface CleanPathRequest {
  /** The viewer's own X.224 Connection Request. */
  readonly x224: Uint8Array;
  /** What the person chose, as `keyboard=de-CH`. The decoder calls it its token; the data socket's ticket has said who it is. */
  readonly choices: string;
}

/** The first message of a viewer. Undefined where more bytes are needed, null where it is none. */
export function parseCleanPathRequest(
  bytes: Uint8Array,
): { readonly request: CleanPathRequest; readonly end: number } | undefined | null {
  if (bytes.length > 0 && bytes[0] !== 0x30) return null;
  const whole = readDer(bytes);
  if (whole === undefined || whole === null) return whole;
  let version: number | undefined;
  let x224: Uint8Array | undefined;
  let choices = '';
  for (const field of derChildren(whole.value)) {
    const inner = derInner(field);
    if (inner === undefined) return null;
    if (field.tag === 0xa0) version = derNumber(inner.value);
    if (field.tag === 0xa3) choices = new TextDecoder().decode(inner.value);
    if (field.tag === 0xa6) x224 = inner.value;
  }
  return version !== VERSION || x224 === undefined ? null : { request: { x224, choices }, end: whole.end };
}

export function cleanPathResponse(server: string, confirm: Uint8Array, chain: readonly Uint8Array[]): Uint8Array {
  return sequence(
    explicit(0, integer(VERSION)),
    explicit(6, octets(confirm)),
    explicit(7, der(0x30, ...chain.map(octets))),
    explicit(9, utf8String(server)),
  );
}
