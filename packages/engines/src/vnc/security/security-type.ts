/** https://www.iana.org/assignments/rfb/rfb.xhtml#rfb-1 */
export const SECURITY = { invalid: 0, none: 1, vncAuth: 2, tight: 16, veNCrypt: 19, apple: 30 } as const;

/** Sub-types of VeNCrypt. https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst#vencrypt */
const VENCRYPT = {
  plain: 256,
  tlsNone: 257,
  tlsVnc: 258,
  tlsPlain: 259,
  x509None: 260,
  x509Vnc: 261,
  x509Plain: 262,
} as const;

export interface SubType {
  readonly encryption: 'none' | 'anonymous' | 'certificate';
  readonly proof: 'none' | 'password' | 'name-and-password';
}

export const SUB_TYPES: ReadonlyMap<number, SubType> = new Map<number, SubType>([
  [VENCRYPT.x509Plain, { encryption: 'certificate', proof: 'name-and-password' }],
  [VENCRYPT.x509Vnc, { encryption: 'certificate', proof: 'password' }],
  [VENCRYPT.x509None, { encryption: 'certificate', proof: 'none' }],
  [VENCRYPT.tlsPlain, { encryption: 'anonymous', proof: 'name-and-password' }],
  [VENCRYPT.tlsVnc, { encryption: 'anonymous', proof: 'password' }],
  [VENCRYPT.tlsNone, { encryption: 'anonymous', proof: 'none' }],
  [VENCRYPT.plain, { encryption: 'none', proof: 'name-and-password' }],
]);

export interface Weakenings {
  readonly allowCleartext: boolean;
  readonly allowAnonymousTls: boolean;
}

export type WantedProof = 'auto' | 'password' | 'account';

/** The strongest sub-type that policy permits; among equals the wanted proof, else the server's own order. */
export function chooseSubType(offered: readonly number[], weak: Weakenings, wanted: WantedProof): number | undefined {
  const permitted = offered.filter((id) => {
    const encryption = SUB_TYPES.get(id)?.encryption;
    if (encryption === undefined) return false;
    return encryption === 'certificate' || (encryption === 'none' ? weak.allowCleartext : weak.allowAnonymousTls);
  });
  const strongest = (['certificate', 'anonymous', 'none'] as const)
    .map((encryption) => permitted.filter((id) => SUB_TYPES.get(id)?.encryption === encryption))
    .find((ids) => ids.length > 0);
  const proof = wanted === 'account' ? 'name-and-password' : 'password';
  const fitting = wanted === 'auto' ? undefined : strongest?.find((id) => SUB_TYPES.get(id)?.proof === proof);
  return fitting ?? strongest?.[0];
}
