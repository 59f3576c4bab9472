/**
 * The schema extensions that `Update-AdmPwdADSchema` (legacy LAPS) and `Update-LapsADSchema` (Windows LAPS) make, as LDIF:
 * https://learn.microsoft.com/windows-server/identity/laps/laps-technical-reference and MS-ADA2 2.64 to 2.66.
 */
const SCHEMA = 'CN=Schema,CN=Configuration,DC=corp,DC=test';
const LEGACY = '1.2.840.113556.1.8000.2554.50051.45980.28112.18903.35903.6685103.1224907';
const WINDOWS = '1.2.840.113556.1.6.44.1';
/** fPRESERVEONDELETE, fCONFIDENTIAL, fNEVERVALUEAUDIT, fRODCFilteredAttribute. Confidential: to be read, it needs control access besides. */
const CONFIDENTIAL = 904;
const UNICODE = { attributeSyntax: '2.5.5.5', oMSyntax: 19 };
const INTEGER = { attributeSyntax: '2.5.5.16', oMSyntax: 65 };
const OCTETS = { attributeSyntax: '2.5.5.10', oMSyntax: 4 };

interface LapsAttribute {
  readonly cn: string;
  readonly name: string;
  readonly id: string;
  readonly syntax: { readonly attributeSyntax: string; readonly oMSyntax: number };
  readonly searchFlags: number;
  /** What an entry of an access control list names it by; of this schema's own choice. */
  readonly guid: string;
}

export const LAPS_ATTRIBUTES: readonly LapsAttribute[] = [
  {
    ...{ cn: 'ms-Mcs-AdmPwd', name: 'ms-Mcs-AdmPwd', id: `${LEGACY}.2.1`, syntax: UNICODE },
    ...{ searchFlags: CONFIDENTIAL, guid: '6f0a1b1e-11a5-4d0e-8c07-000000000001' },
  },
  {
    ...{ cn: 'ms-Mcs-AdmPwdExpirationTime', name: 'ms-Mcs-AdmPwdExpirationTime', id: `${LEGACY}.2.2`, syntax: INTEGER },
    ...{ searchFlags: 0, guid: '6f0a1b1e-11a5-4d0e-8c07-000000000002' },
  },
  {
    ...{ cn: 'ms-LAPS-PasswordExpirationTime', name: 'msLAPS-PasswordExpirationTime', id: `${WINDOWS}.1` },
    ...{ syntax: INTEGER, searchFlags: 0, guid: '6f0a1b1e-11a5-4d0e-8c07-000000000003' },
  },
  {
    ...{ cn: 'ms-LAPS-Password', name: 'msLAPS-Password', id: `${WINDOWS}.2`, syntax: UNICODE },
    ...{ searchFlags: CONFIDENTIAL, guid: '6f0a1b1e-11a5-4d0e-8c07-000000000004' },
  },
  {
    ...{ cn: 'ms-LAPS-EncryptedPassword', name: 'msLAPS-EncryptedPassword', id: `${WINDOWS}.3`, syntax: OCTETS },
    ...{ searchFlags: CONFIDENTIAL, guid: '6f0a1b1e-11a5-4d0e-8c07-000000000005' },
  },
];

/** MS-DTYP 2.3.4.2: the first three parts are little-endian. */
function packetOf(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

const attribute = ({ cn, name, id, syntax, searchFlags, guid }: LapsAttribute): string => `
dn: CN=${cn},${SCHEMA}
changetype: add
objectClass: attributeSchema
cn: ${cn}
lDAPDisplayName: ${name}
adminDisplayName: ${name}
attributeID: ${id}
attributeSyntax: ${syntax.attributeSyntax}
oMSyntax: ${syntax.oMSyntax}
isSingleValued: TRUE
systemOnly: FALSE
searchFlags: ${searchFlags}
schemaIDGUID:: ${packetOf(guid).toString('base64')}
`;

const REREAD = `
dn:
changetype: modify
replace: schemaUpdateNow
schemaUpdateNow: 1
`;

export const LAPS_SCHEMA = `${LAPS_ATTRIBUTES.map(attribute).join('')}${REREAD}
dn: CN=Computer,${SCHEMA}
changetype: modify
add: mayContain
${LAPS_ATTRIBUTES.map(({ name }) => `mayContain: ${name}`).join('\n')}
${REREAD}`;
