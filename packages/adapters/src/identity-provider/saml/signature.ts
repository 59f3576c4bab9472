import { createPublicKey, type KeyObject, verify, type X509Certificate } from 'node:crypto';
import { SignedXml } from 'xml-crypto';
import {
  allOf,
  attributeOf,
  everyElement,
  isNamed,
  NS,
  parseMessage,
  refused,
  signedByNobody,
  textOf,
  theOne,
} from './xml.ts';

const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const RSA_SHA512 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512';
const DIGESTS = new Set(['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512']);
const HASHES: Readonly<Record<string, string>> = { [RSA_SHA256]: 'sha256', [RSA_SHA512]: 'sha512' };

/** @throws Fault PROVIDER_REFUSED where two elements bear the same id, whatever the attribute is called (signature wrapping) */
export function requireDistinctIds(root: Element): void {
  const seen = new Set<string>();
  for (const element of everyElement(root))
    for (let index = 0; index < element.attributes.length; index++) {
      const { localName, name, value } = element.attributes.item(index) ?? {};
      if ((localName ?? name ?? '').toLowerCase() !== 'id') continue;
      if (value === undefined || seen.has(value)) throw refused('two elements have the same id');
      seen.add(value);
    }
}

/**
 * The element as it was signed: read again from the bytes that the digest was made of, so that nothing else can be mistaken for it.
 * XML Signature 1.1, and SAML Core section 5.4: enveloped, one reference, to the element by its ID.
 * @throws Fault PROVIDER_REFUSED
 */
export function signedElement(xml: string, element: Element, certificates: readonly X509Certificate[]): Element {
  const signatures = allOf(element, NS.signature, 'Signature');
  const [signature] = signatures;
  if (signature === undefined || signatures.length !== 1) throw refused(`${element.localName} is not signed`);
  const id = attributeOf(element, 'ID') ?? '';
  requirePlainSignature(signature, id);
  const bytes = bytesSigned(xml, signature, certificates);
  const signed = parseMessage(bytes);
  if (!isNamed(signed, element.namespaceURI ?? '', element.localName) || attributeOf(signed, 'ID') !== id)
    throw refused('the signature is about another element');
  return signed;
}

/** INVARIANT: what a signature may be is what SAML needs and nothing more; the key comes from the metadata, never from the message. */
function requirePlainSignature(signature: Element, id: string): void {
  if (!/^[A-Za-z_][\w.-]{0,255}$/u.test(id)) throw refused('the signed element has no usable ID');
  if (allOf(signature, NS.signature, 'Object').length > 0) throw refused('the signature brings objects');
  const info = theOne(signature, NS.signature, 'SignedInfo');
  const algorithm = (name: string, of: Element): string =>
    attributeOf(theOne(of, NS.signature, name), 'Algorithm') ?? '';
  const reference = theOne(info, NS.signature, 'Reference');
  if (attributeOf(reference, 'URI') !== `#${id}`) throw refused('the signature is about another element');
  const transforms = allOf(theOne(reference, NS.signature, 'Transforms'), NS.signature, 'Transform').map(
    (transform) => attributeOf(transform, 'Algorithm') ?? '',
  );
  if (transforms.join(' ') !== `${ENVELOPED} ${EXCLUSIVE}`) throw refused('the signature uses other transforms');
  if (algorithm('CanonicalizationMethod', info) !== EXCLUSIVE)
    throw refused('the signature is canonicalized otherwise');
  if (HASHES[algorithm('SignatureMethod', info)] === undefined)
    throw refused('the signature is of a refused algorithm');
  if (!DIGESTS.has(algorithm('DigestMethod', reference))) throw refused('the digest is of a refused algorithm');
  if (textOf(theOne(reference, NS.signature, 'DigestValue')) === '') throw refused('the digest is empty');
  textOf(theOne(signature, NS.signature, 'SignatureValue'));
}

function bytesSigned(xml: string, signature: Element, certificates: readonly X509Certificate[]): string {
  let cause: unknown;
  for (const certificate of certificates) {
    const check = new SignedXml({ publicCert: certificate.toString(), getCertFromKeyInfo: () => null });
    try {
      check.loadSignature(signature);
      if (!check.checkSignature(xml)) continue;
      const [bytes, ...more] = check.getSignedReferences();
      if (bytes !== undefined && more.length === 0) return bytes;
    } catch (failure) {
      cause = failure;
    }
  }
  throw signedByNobody(cause);
}

/** A message in the address, signed over the query as it was sent (SAML Bindings section 3.4.4.1). @throws Fault PROVIDER_REFUSED */
export function requireSignedQuery(query: string, name: string, certificates: readonly X509Certificate[]): void {
  const raw = new Map<string, string>();
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, at);
    if (raw.has(key)) throw refused('a parameter comes twice');
    raw.set(key, pair.slice(at + 1));
  }
  const plain = (key: string): string => decodeURIComponent((raw.get(key) ?? '').replaceAll('+', ' '));
  const hash = HASHES[plain('SigAlg')];
  if (hash === undefined || !raw.has('Signature'))
    throw refused('the message is not signed, or by a refused algorithm');
  const signed = [name, 'RelayState', 'SigAlg'].flatMap((key) =>
    raw.has(key) ? [`${key}=${raw.get(key) ?? ''}`] : [],
  );
  const bytes = Buffer.from(signed.join('&'));
  const signature = Buffer.from(plain('Signature'), 'base64');
  const isBy = (key: KeyObject): boolean => verify(hash, bytes, key, signature);
  if (!certificates.some(({ publicKey }) => isBy(createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })))))
    throw signedByNobody();
}

export { RSA_SHA256 };
